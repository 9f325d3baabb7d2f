// Package policy decides who gets what: the snapshot that the site signs for
// one box, and its evaluation for one machine. The same code decides at the
// site and at a box that is cut off.
//
// It does no I/O and holds no state: what a box remembers (grants used, jobs
// run, machines that became known) is handed in.
package policy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
)

// Format is the format of the snapshot that this package writes and reads.
const Format = 1

// Snapshot is everything that one box must decide by itself. It travels as
// the payload of a signed envelope (docs/formats/policy.md).
type Snapshot struct {
	Format int `json:"format"`
	// Requires names features that a reader must know to honour the snapshot.
	Requires []string `json:"requires,omitempty"`
	Site     string   `json:"site"`
	Box      osd.Box  `json:"box"`
	// Epoch and Number order snapshots: epoch first. A restore of the site
	// raises the epoch.
	Epoch    uint64    `json:"epoch"`
	Number   uint64    `json:"number"`
	IssuedAt time.Time `json:"issuedAt"`
	// SoftExpiry is when the snapshot is to be called stale: shown, not fatal.
	SoftExpiry time.Time `json:"softExpiry"`

	Settings       osd.SiteSettings    `json:"settings,omitzero"`
	Computers      []osd.Computer      `json:"computers,omitempty"`
	Associations   []osd.Association   `json:"associations,omitempty"`
	Collections    []osd.Collection    `json:"collections,omitempty"`
	Advertisements []osd.Advertisement `json:"advertisements,omitempty"`
	Sequences      []Sequence          `json:"sequences,omitempty"`
	Packages       []osd.Package       `json:"packages,omitempty"`
	Images         []osd.Image         `json:"images,omitempty"`
	BootImages     []osd.BootImage     `json:"bootImages,omitempty"`
	Grants         []SignedGrant       `json:"grants,omitempty"`
	// Inventory is what is known of the computers, by ID.
	Inventory map[string]inventory.Record `json:"inventory,omitempty"`
	// Frozen are the collections with an update schedule, by name.
	Frozen map[string]membership.Frozen `json:"frozen,omitempty"`
	// Orders are what administrators told the box: each is carried out once.
	Orders []Order `json:"orders,omitempty"`
	// People are those who may do something at this box.
	People []osd.Person `json:"people,omitempty"`
	// Certificates are the SHA-256 (hexadecimal, of the DER) of the certificates
	// with which People sign in, by name. One that is not here was revoked.
	Certificates map[string][]string `json:"certificates,omitempty"`
	// Sealed are values that this box alone can open.
	Sealed []Sealed `json:"sealed,omitempty"`
}

// Sealed is a value that is sealed to the key of one box (trust.Seal, with
// Context).
type Sealed struct {
	Kind string `json:"kind"` // SealedSecret, SealedPIN or SealedPassword
	// Object and Name are the ID and the name of the Secret, the Person, or the
	// Box.
	Object string `json:"object"`
	Name   string `json:"name"`
	// Revision grows with each new value.
	Revision   int64  `json:"revision"`
	Ciphertext []byte `json:"ciphertext"`
}

// The kinds of sealed values.
const (
	SealedSecret   = "secret"      // the value of a Secret
	SealedPIN      = "pin"         // the verifier of a technician's PIN (trust.NewVerifier)
	SealedPassword = "pxePassword" // the verifier of the box's PXE password
)

// Context binds a sealed value to what it is for: box is the ID of the box that
// may open it, or empty for the site itself.
func (s Sealed) Context(box string) string {
	return fmt.Sprintf("bootward.sealed.v1 %s %s %d %s", s.Kind, s.Object, s.Revision, box)
}

// Secret finds the value of a Secret by its name; nil if there is none.
func (s *Snapshot) Secret(name string) *Sealed {
	for i := range s.Sealed {
		if v := &s.Sealed[i]; v.Kind == SealedSecret && v.Name == name {
			return v
		}
	}
	return nil
}

// HasSecret says whether there is a value for a Secret.
func (s *Snapshot) HasSecret(name string) bool { return s.Secret(name) != nil }

// NoSecret says in words that a box has no value for a Secret.
func NoSecret(name string) string {
	return fmt.Sprintf("secret %s has no value at this box: give it one with `bootward secret set %q`; a box that enrolled before there were secrets enrols again", name, name)
}

// Features are the names of Requires that this program knows.
func Features() []string { return []string{"rules"} }

// Sequence is a task sequence in a snapshot: one pinned version.
type Sequence struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Digest is that of Document: "sha256:" and 64 hexadecimal digits.
	Digest string `json:"digest"`
	// Document is the canonical JSON of the sequence (osd/sequence).
	Document json.RawMessage `json:"document"`
	// BootImage is the ID of the boot image that runs it; empty if only running
	// clients can.
	BootImage string `json:"bootImage"`
	// Destructive says whether a step may erase a disk.
	Destructive bool `json:"destructive"`
	// Content lists the IDs of the packages and images that it uses.
	Content []string `json:"content,omitempty"`
	// Lists are the bases of variables that list programs for it: AA for AA001. See Listed.
	Lists []string `json:"lists,omitempty"`
	// Secrets lists the names of the secrets that its steps use.
	Secrets []string `json:"secrets,omitempty"`
}

// Grant is the permission for one destructive run: this machine, this
// version of the sequence, this state of the box, once, with an end.
type Grant struct {
	ID            string `json:"id"`
	Computer      string `json:"computer"`      // ID
	ComputerName  string `json:"computerName"`  // for people
	Advertisement string `json:"advertisement"` // ID
	Sequence      string `json:"sequence"`      // digest
	// MACs and SMBIOSGUID are the labels of the computer, normalised: the
	// agent compares them with the machine that it runs on.
	MACs       []string `json:"macs,omitempty"`
	SMBIOSGUID string   `json:"smbiosGUID,omitempty"`
	// StateID is the state of the box that may spend the grant.
	StateID string `json:"stateID"`
	// IssuedBy is the administrator.
	IssuedBy  string    `json:"issuedBy"`
	IssuedAt  time.Time `json:"issuedAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	// SecretsWithoutApproval is what the administrator accepted: the machine only
	// showed its labels, and gets the secrets of the sequence all the same.
	SecretsWithoutApproval bool `json:"secretsWithoutApproval,omitempty"`
}

// SignedGrant is a grant with the envelope that proves it to the agent.
type SignedGrant struct {
	Grant
	// Envelope is the signed form; its payload is the JSON of Grant.
	Envelope json.RawMessage `json:"envelope"`
}
