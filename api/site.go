package api

import (
	"encoding/json"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

// Routes of the site for administrators, TCP 8443: a bearer token (RFC 6750)
// or a client certificate names the person.
const (
	RouteOpenAPI    = "GET /openapi.json"             // nobody
	RouteHealth     = "GET /healthz"                  // nobody
	RouteWhoAmI     = "GET /v1/whoami"                // Person
	RouteApply      = "POST /v1/apply"                // Apply → Applied
	RouteList       = "GET /v1/objects/{kind}"        // ObjectList
	RouteGet        = "GET /v1/objects/{kind}/{name}" // Object; name or ID
	RouteDelete     = "DELETE /v1/objects/{kind}/{name}"
	RouteDeletion   = "GET /v1/objects/{kind}/{name}/deletion" // Applied: what RouteDelete would do
	RouteToken      = "POST /v1/boxes/{name}/token"            // EnrolToken; one-time
	RouteBoxes      = "GET /v1/boxes"                          // []BoxState
	RouteUploadBlob = "PUT /v1/blobs/{sha256}"                 // bytes; Content-Range resumes
	RouteHasBlob    = "HEAD /v1/blobs/{sha256}"
	RouteImport     = "POST /v1/import"                       // Import → Object
	RouteMessages   = "GET /v1/messages"                      // ?computer= &advertisement= &job= &after=: Messages
	RouteFlight     = "GET /v1/flight"                        // ?client= : []status.FlightEvent
	RouteJobs       = "GET /v1/jobs"                          // []JobState
	RouteAudit      = "GET /v1/audit"                         // []AuditEntry
	RouteGrantAgain = "POST /v1/advertisements/{name}/grants" // GrantAgain → Granted
	RouteAnchor     = "GET /v1/anchor"                        // signed trust anchor

	RouteHomepage            = "GET /v1/status/homepage"              // status.Homepage
	RouteAdvertisementStatus = "GET /v1/status/advertisements/{name}" // status.AdvertisementStatus
	RouteUnprovisioned       = "GET /v1/status/unprovisioned"         // []trace.Machine
	RouteLog                 = "GET /v1/logs/{name}"                  // ?offset= &follow=: smsts.log of the last job of a computer, or of a job, from its box
	RouteEvents              = "GET /v1/events"                       // ?after= &computer= &advertisement= &job=: server-sent events (docs/formats/events.md)

	RouteComputerImport = "POST /v1/computers/import"          // ComputerImport → ComputerImported
	RouteExplain        = "GET /v1/computers/{name}/explain"   // ?at= &box= &where= &event=: policy.Explanation
	RouteMembers        = "GET /v1/collections/{name}/members" // Members
	RouteSiteReady      = "GET /v1/boxes/{name}/ready"         // BoxReady
	RouteOrder          = "POST /v1/orders"                    // Order → Ordered

	RouteDistribute = "POST /v1/objects/{kind}/{name}/boxes" // Distribute → Distributed
	RouteContent    = "GET /v1/content"                      // ?name=: []ContentStatus

	RoutePersonToken       = "POST /v1/persons/{name}/token"       // SignInToken; shown once, older ones are void
	RoutePersonCertificate = "POST /v1/persons/{name}/certificate" // PersonCSR → PersonCertificate
	RoutePersonPIN         = "PUT /v1/persons/{name}/pin"          // NewPIN → 204
	RouteCredentials       = "GET /v1/persons/{name}/credentials"  // Credentials
	RouteRevoke            = "DELETE /v1/persons/{name}/credentials"
	RouteSecretValue       = "PUT /v1/secrets/{name}/value"      // SecretValue → 204
	RoutePXEPassword       = "PUT /v1/boxes/{name}/password"     // SecretValue → 204; an empty value takes it away
	RouteSitePending       = "GET /v1/approvals"                 // []BoxPending
	RouteSiteDecide        = "POST /v1/approvals/{code}"         // SiteDecision → Ordered
	RouteMerge             = "POST /v1/computers/{name}/merge"   // Merge → Applied
	RouteReplace           = "POST /v1/computers/{name}/replace" // Replace → Applied
)

// SignInToken is a bearer token of a person.
type SignInToken struct {
	Person string `json:"person"`
	Token  string `json:"token"`
}

// Credentials are what a person can sign in with now.
type Credentials struct {
	Person string `json:"person"`
	// Disabled says that nobody comes in under this name meanwhile.
	Disabled    bool         `json:"disabled,omitempty"`
	Credentials []Credential `json:"credentials"`
}

// Credential is one token or certificate, without anything that proves who has it.
type Credential struct {
	Kind   string `json:"kind"`             // token or certificate
	Serial string `json:"serial,omitempty"` // of a certificate, hexadecimal
	// MadeAt and MadeBy are missing for one from before that was kept.
	MadeAt time.Time `json:"madeAt,omitzero"`
	MadeBy string    `json:"madeBy,omitempty"`
	// ExpiresAt is missing for a token: it is good until the next one is made.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// PersonCSR asks for a client certificate of a person.
type PersonCSR struct {
	CSR  []byte `json:"csr"` // PKCS #10, DER
	Days int    `json:"days,omitempty"`
}

// PersonCertificate is good at the site and at boxes.
type PersonCertificate struct {
	Certificate string    `json:"certificate"` // PEM, followed by the site's CA
	NotAfter    time.Time `json:"notAfter"`
}

// NewPIN sets the PIN with which a technician signs in at boxes.
type NewPIN struct {
	PIN string `json:"pin"`
}

// SecretValue is the new value of a secret.
type SecretValue struct {
	Value string `json:"value"`
}

// BoxPending is a machine that waits for approval at a box.
type BoxPending struct {
	Box string `json:"box"` // name
	PendingApproval
}

// SiteDecision decides on a machine that waits, from the site.
type SiteDecision struct {
	// Decision is approve or deny; Box may be left out where one box alone has the
	// code.
	Decision string `json:"decision"`
	Box      string `json:"box,omitempty"`
}

// Merge makes one computer of two: the one of the path goes, what is known of it
// goes over.
type Merge struct {
	Into   string `json:"into"`
	DryRun bool   `json:"dryRun,omitempty"`
	// Force merges although safety speaks against it: two GUIDs are two machines.
	Force bool `json:"force,omitempty"`
}

// Replace gives a computer new labels after a repair.
type Replace struct {
	// MACs go in place of OldMACs, or of all when those are left out.
	MACs    []string `json:"macs,omitempty"`
	OldMACs []string `json:"oldMACs,omitempty"`
	// SMBIOSGUID is that of a new motherboard; NoGUID takes it away.
	SMBIOSGUID string `json:"smbiosGUID,omitempty"`
	// TPM is the digest of the endorsement key of a new TPM; NoTPM forgets the old one,
	// as a new GUID does.
	TPM    string `json:"tpm,omitempty"`
	DryRun bool   `json:"dryRun,omitempty"`
}

// NoTPM says that the TPM of a computer is not known.
const NoTPM = "none"

// NoGUID says that a computer is told by its MACs alone: its maker gave the same
// GUID to another machine.
const NoGUID = "none"

// Person is who an administrator is.
type Person struct {
	Name string `json:"name"`
	// Role and Rights are what the person may do.
	Role   string      `json:"role,omitempty"`
	Rights []osd.Right `json:"rights,omitempty"`
}

// Apply puts objects in place, all or none.
type Apply struct {
	// Documents are YAML files as they are, so that errors can name file and line.
	Documents []Document `json:"documents"`
	DryRun    bool       `json:"dryRun,omitempty"`
	// Machines is the number that a person typed for mandatory destructive
	// advertisements to All Systems or Unknown Computers.
	Machines *int `json:"machines,omitempty"`
	// AcceptMissing takes advertisements although boxes lack content for them.
	AcceptMissing bool `json:"acceptMissing,omitempty"`
}

// Document is one YAML file.
type Document struct {
	File string `json:"file"`
	YAML string `json:"yaml"`
}

// Applied is the plan, done unless it was a dry run.
type Applied struct {
	Changes []Change `json:"changes"`
	DryRun  bool     `json:"dryRun"`
}

// Change is what happens, or happened, to one object.
type Change struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
	Action string `json:"action"` // create, update, unchanged, delete
	// Notes say what follows, such as grants that are issued.
	Notes []string `json:"notes,omitempty"`
}

// ObjectList is every object of a kind, by name.
type ObjectList struct {
	Kind    string            `json:"kind"`
	Objects []json.RawMessage `json:"objects"`
	// Warnings say, by the object's name, what does not work as things are now: of
	// advertisements, machines that cannot start the boot image.
	Warnings map[string][]string `json:"warnings,omitempty"`
}

// EnrolToken is a one-time token for a box.
type EnrolToken struct {
	Box       string    `json:"box"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// BoxState is what the site knows of a box.
type BoxState struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Enrolled bool      `json:"enrolled"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
	CheckIn  *CheckIn  `json:"checkIn,omitempty"`
}

// Import makes or updates a Package, Image or BootImage from a manifest whose
// blobs are already in the store.
type Import struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Comment string `json:"comment,omitempty"`
	// Manifest is the unsigned manifest (content.Manifest); the site checks
	// it against the blobs and signs it.
	Manifest json.RawMessage `json:"manifest"`
	// File is the path of the WIM of an Image, or of a BootImage that starts Windows.
	File string `json:"file,omitempty"`
	// NoAgent says that a BootImage holds no agent.
	NoAgent bool `json:"noAgent,omitempty"`
}

// Messages is a page of status messages.
type Messages struct {
	Messages []status.Message `json:"messages"`
	// Next is the cursor to ask with `after` for what comes later.
	Next int64 `json:"next"`
}

// JobState is one deployment as the site sees it.
type JobState struct {
	Job           string    `json:"job"`
	Computer      string    `json:"computer"`
	Advertisement string    `json:"advertisement"`
	Sequence      string    `json:"sequence"`
	Box           string    `json:"box"`
	Started       time.Time `json:"started"`
	LastSeen      time.Time `json:"lastSeen"`
	// State is running, succeeded or failed.
	State       string           `json:"state"`
	LastMessage status.MessageID `json:"lastMessage"`
	LastAction  string           `json:"lastAction,omitempty"`
	ExitCode    int              `json:"exitCode,omitempty"`
}

// NewJobState is what the wire says of a job.
func NewJobState(j status.Job) JobState {
	s := JobState{Job: j.Job, Computer: j.Computer, Advertisement: j.Advertisement, Sequence: j.Sequence, Box: j.Box,
		Started: j.Started, LastSeen: j.Seen, State: string(j.State()), LastMessage: j.Last, LastAction: j.Action, ExitCode: j.ExitCode}
	if j.Ended != 0 {
		s.LastMessage = j.Ended
	}
	return s
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	Number int64     `json:"number"`
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`
	What   string    `json:"what"` // a stable word such as apply, grant, enrol
	Object string    `json:"object,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// GrantAgain issues grants anew, for a number of machines that is confirmed.
type GrantAgain struct {
	ConfirmedMachines int      `json:"confirmedMachines"`
	Computers         []string `json:"computers,omitempty"` // all of the collection when empty
}

// Granted lists the computers that got a grant.
type Granted struct {
	Computers []string `json:"computers"`
}
