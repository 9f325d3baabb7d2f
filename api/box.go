package api

import (
	"time"

	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/status"
)

// Routes of the site for boxes, TCP 8443, mutual TLS with the certificate
// that a box got at its enrolment (and a one-time token to get it).
const (
	RouteBoxEnrol    = "POST /v1/box/enrol"             // one-time token: Enrol → Enrolled
	RouteBoxCheckIn  = "POST /v1/box/checkin"           // CheckIn → CheckedIn
	RouteBoxPolicy   = "GET /v1/box/policy"             // ?have=EPOCH.NUMBER&wait=SECONDS&logs=true: signed envelope, or 204; LogsWanted
	RouteBoxManifest = "GET /v1/box/manifests/{digest}" // signed envelope
	RouteBoxBlob     = "GET /v1/box/blobs/{sha256}"     // bytes, Range honoured
	RouteBoxEvents   = "POST /v1/box/events"            // EventBatch → EventAck
	RouteBoxSendLog  = "POST /v1/box/logs/{id}"         // bytes of a log that was wanted, or why there are none, until 204
)

// LogsWanted is the header of an answer of RouteBoxPolicy in which a box is told which
// logs somebody wants to see: a list of LogWanted in JSON.
const LogsWanted = "Bootward-Logs-Wanted"

// LogWanted asks a box for the log of one of its jobs. It sends RouteBoxSendLog with the
// ID: the log in gzip (RFC 1952), LogOffset saying where in it the first byte stands, or a
// problem document.
type LogWanted struct {
	ID     string `json:"id"` // of the request, at random
	Job    string `json:"job"`
	Offset int64  `json:"offset,omitempty"` // in bytes
	// Follow goes on until the job has ended.
	Follow bool `json:"follow,omitempty"`
}

// LogBeat is how often a box that sends a log shows that it is there.
const LogBeat = 5 * time.Second

// Enrol asks for a box's identity with a one-time token.
type Enrol struct {
	Token string `json:"token"`
	// ClientCSR (DER) is for the certificate that the box shows to the site;
	// IntermediateCSR (DER) for the one that signs job certificates.
	ClientCSR       []byte `json:"clientCSR"`
	IntermediateCSR []byte `json:"intermediateCSR"`
	// SealingKey is the public key to which the site seals what this box alone
	// may open (trust.SealingKey).
	SealingKey []byte `json:"sealingKey"`
	// StateID was made at random with the data partition.
	StateID string `json:"stateID"`
	Board   string `json:"board,omitempty"`
	Version string `json:"version"`
}

// Enrolled is the identity of a box.
type Enrolled struct {
	Box     string `json:"box"` // ID
	BoxName string `json:"boxName"`
	Site    string `json:"site"`
	// Anchor is the signed trust anchor.
	Anchor []byte `json:"anchor"`
	// Certificate and Intermediate are PEM, each followed by the site's CA.
	Certificate  string `json:"certificate"`
	Intermediate string `json:"intermediate"`
}

// CheckIn is what a box tells of itself each minute and after each change.
type CheckIn struct {
	StateID string    `json:"stateID"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	// Addresses are those it answers at.
	Addresses []string `json:"addresses,omitempty"`
	// Epoch and Number are those of the newest policy it holds.
	Epoch  uint64 `json:"epoch"`
	Number uint64 `json:"number"`
	// Ready says that all content of that policy is there and verified.
	Ready bool `json:"ready"`
	// Missing and Held count bytes of content.
	MissingBytes int64 `json:"missingBytes"`
	HeldBytes    int64 `json:"heldBytes"`
	FreeBytes    int64 `json:"freeBytes"`
	// Complete lists the manifests whose content is there and verified.
	Complete []string `json:"complete,omitempty"`
	// Copied is when each of Complete became whole; a box of an earlier release
	// does not say.
	Copied map[string]time.Time `json:"copied,omitempty"`
	// Stopped says why the wipe interlock has stopped the box.
	Stopped string `json:"stopped,omitempty"`
	// Pending are the machines that wait for approval.
	Pending []PendingApproval `json:"pending,omitempty"`
	// SelfTest is the last test of the box's segments; nil before the first.
	SelfTest *SelfTest `json:"selfTest,omitempty"`
	Error    string    `json:"error,omitempty"` // the last failure of the sync, in words
}

// CheckedIn is the site's answer.
type CheckedIn struct {
	Time time.Time `json:"time"`
}

// BoxEvent is one entry of a box's outbox: exactly one of its pointers is set.
type BoxEvent struct {
	// Number counts from 1 in one state of a box.
	Number uint64              `json:"number"`
	Status *status.Message     `json:"status,omitempty"`
	Flight *status.FlightEvent `json:"flight,omitempty"`
	// Audit is an entry of the box's audit log.
	Audit *AuditRecord `json:"audit,omitempty"`
	// Discovered is what a computer said of itself.
	Discovered *Discovered `json:"discovered,omitempty"`
}

// AuditRecord is something that somebody did at a box, or that the box released.
type AuditRecord struct {
	Time time.Time `json:"time"`
	Who  string    `json:"who"` // a person, "job ID", or "box"
	// What is grant-used, grant-returned, stopped, resume, clear-pxe, wake, approve,
	// deny, secret-released, sign-in, sign-in-failed, password-failed or known.
	What string `json:"what"`
	// Object is what it is about; of grant-used and grant-returned the ID of
	// the grant.
	Object string `json:"object,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Discovered is what a computer said of itself when its job began.
type Discovered struct {
	Computer  string           `json:"computer"` // ID; one that begins with local- was made by the box
	Inventory inventory.Record `json:"inventory"`
	// Known is the computer as the box made it, for a machine that the site did
	// not know.
	Known *Known `json:"known,omitempty"`
	// TPM is the digest of the endorsement key of a machine that a person approved by
	// its code: it is the computer's from now on.
	TPM string `json:"tpm,omitempty"`
	// TPMWas is the one that the computer had in the eyes of who approved it.
	TPMWas string `json:"tpmWas,omitempty"`
}

// EventBatch is a run of events, in order.
type EventBatch struct {
	StateID string     `json:"stateID"`
	Events  []BoxEvent `json:"events"`
}

// EventAck says which events are in the site's database: all below Next.
type EventAck struct {
	Next uint64 `json:"next"`
}
