package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust/tpm"
)

// Routes of a box's management point and distribution point, TCP 443. The
// server's certificate is checked against the anchor that is built into the
// boot image; its name must be mp.<box>.<code>.bootward.internal.
const (
	RouteHello    = "GET /v1/hello"              // nobody: Hello
	RouteOffers   = "POST /v1/offers"            // nobody: Ask → Offers
	RoutePassword = "POST /v1/password"          // nobody, rate-limited: Password → Ticket
	RouteClaim    = "POST /v1/claim"             // nobody: Claim → Claimed
	RouteDecline  = "POST /v1/decline"           // nobody: Identity → 204: nobody came, the machine boots its disk
	RouteJob      = "GET /v1/job"                // job certificate: Job
	RouteRenew    = "POST /v1/job/renew"         // job certificate: Renew → Claimed.Certificate
	RouteStatus   = "POST /v1/job/status"        // job certificate: StatusBatch → StatusAck
	RouteJobLog   = "POST /v1/job/log"           // job certificate: bytes of smsts.log from ?offset= on → LogAck
	RouteSecrets  = "POST /v1/job/secrets"       // job certificate: AskSecrets → Secrets, once for a step
	RouteRetry    = "POST /v1/job/retry"         // job certificate of a job that failed: Retry → Retried
	RouteErase    = "POST /v1/job/erase"         // job certificate: Erase → 204: before the first write to a disk
	RouteManifest = "GET /v1/manifests/{digest}" // job certificate, content of its job: signed envelope
	RouteBlob     = "GET /v1/blobs/{sha256}"     // job certificate, content of its job: bytes, Range honoured
)

// Hello is what a box says of itself to anybody. Time lets a target without
// a clock check certificates.
type Hello struct {
	Format  int       `json:"format"` // 1
	Site    string    `json:"site"`
	Box     string    `json:"box"`
	BoxName string    `json:"boxName"`
	Time    time.Time `json:"time"`
	Version string    `json:"version"`
}

// Identity is how a machine names itself: labels, not proof.
type Identity struct {
	MACs         []string `json:"macs"`
	SMBIOSGUID   string   `json:"smbiosGUID,omitempty"`
	SerialNumber string   `json:"serialNumber,omitempty"`
	Manufacturer string   `json:"manufacturer,omitempty"`
	Model        string   `json:"model,omitempty"`
	AssetTag     string   `json:"assetTag,omitempty"`
	UEFI         bool     `json:"uefi"`
	// Inventory is all that the agent found; it may be left out.
	Inventory *inventory.Machine `json:"inventory,omitempty"`
}

// The objects of errors about what a person typed: he is asked again.
const (
	FieldName     = "name"
	FieldReplaces = "replaces"
	FieldPassword = "password"
)

// Ask asks what a machine may run.
type Ask struct {
	Identity
	// Ticket is that of a password that was checked; it may be left out.
	Ticket string `json:"ticket,omitempty"`
	// Where is osd.ToRunningClients for the agent of an installed system; Event
	// is osd.AtLogon, osd.AtLogoff or empty.
	Where string `json:"where,omitempty"`
	Event string `json:"event,omitempty"`
}

// Password asks for a ticket with the box's PXE password.
type Password struct {
	Identity Identity `json:"identity"`
	Password string   `json:"password"`
}

// Ticket says that a person at the machine knew the password. It is good for the
// machine that asked, until it ends or the box starts again.
type Ticket struct {
	Ticket    string    `json:"ticket"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Offers is what a machine may run now. Anybody who shows its labels gets it, so
// it names neither the computer nor labels.
type Offers struct {
	Offers []Offer `json:"offers"`
	// Why explains, in words, what the machine does not get.
	Why []string `json:"why,omitempty"`
	// Organisation and WelcomeText are shown on the first screen.
	Organisation string `json:"organisation,omitempty"`
	WelcomeText  string `json:"welcomeText,omitempty"`
	// Password says that what waits for a person is offered only to one who knows
	// the box's PXE password.
	Password bool `json:"password,omitempty"`
	// Prompt is how many seconds the screen waits for a key before it shows what can be
	// chosen, 0 to 300; 0 shows it at once. Older boxes do not say.
	Prompt *int `json:"prompt,omitempty"`
	// AskReplaces says that the box does not know the machine: the person may name
	// the computer that it replaces.
	AskReplaces bool `json:"askReplaces,omitempty"`
	// Upcoming is what a running client is going to run by itself, the next first,
	// and Next is when to ask again for it: the time of the first.
	Upcoming []Upcoming `json:"upcoming,omitempty"`
	Next     time.Time  `json:"next,omitzero"`
}

// Offer is one advertisement to run.
type Offer struct {
	Advertisement string `json:"advertisement"` // ID
	Name          string `json:"name"`
	Sequence      string `json:"sequence"` // name
	Comment       string `json:"comment,omitempty"`
	// Mandatory offers start by themselves; the others wait for a person.
	Mandatory   bool `json:"mandatory"`
	Destructive bool `json:"destructive"`
	// Approval says that a person will be asked to compare a code.
	Approval bool `json:"approval,omitempty"`
	// Text is shown before it starts.
	Text string `json:"text,omitempty"`
	// AskName lets the person type the name of the computer; SuggestedName is what
	// the template says.
	AskName       bool   `json:"askName,omitempty"`
	SuggestedName string `json:"suggestedName,omitempty"`
	// Countdown is how long a mandatory run waits when somebody is there to be
	// told.
	Countdown osd.Duration `json:"countdown,omitzero"`
	// Questions are those of the sequence, for the person who chooses it. The box is not
	// told the answers.
	Questions []sequence.Question `json:"questions,omitempty"`
}

// Claim asks for a job. The box binds the job, and the grant if it is
// destructive, to the key of the CSR, once.
type Claim struct {
	Identity      Identity `json:"identity"`
	Advertisement string   `json:"advertisement"` // ID
	// Person says that a person at the machine chose it: required for
	// offers that are not mandatory.
	Person bool `json:"person,omitempty"`
	// CSR is a PKCS #10 request in DER, signed by the job's key.
	CSR []byte `json:"csr"`
	// Ticket is that of a password that was checked.
	Ticket string `json:"ticket,omitempty"`
	// Name is what the person called the machine; Replaces names the computer
	// whose place it takes.
	Name     string `json:"name,omitempty"`
	Replaces string `json:"replaces,omitempty"`
	// Where and Event are those of Ask.
	Where string `json:"where,omitempty"`
	Event string `json:"event,omitempty"`
	// TPM is the machine's TPM 2.0; nil if it has none, or none that can be used.
	TPM *TPM `json:"tpm,omitempty"`
}

// TPM is the TPM 2.0 of a machine that claims. The first claim names it, the box
// answers with a challenge, and the same claim with the proof goes on.
type TPM struct {
	// Key is the public endorsement key (PKIX, DER), Name that of the object to
	// which challenges are bound.
	Key  []byte `json:"key"`
	Name []byte `json:"name"`
	// Proof answers the challenge (tpm.Proof), bound to the key of the CSR.
	Proof []byte `json:"proof,omitempty"`
}

// Pending says that a claim waits for approval: the same key claims again until
// somebody has decided. The client computes the code itself (trust.ApprovalCode)
// and shows it.
type Pending struct {
	// Nonce was chosen after the client's key was seen; Box is the box's public
	// key (PKIX, DER), that of the intermediate that signs jobs.
	Nonce []byte `json:"nonce"`
	Box   []byte `json:"box"`
	// Why says why a person is asked.
	Why       string    `json:"why"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// AskSecrets asks for the secrets of the step at which the job stands. The same
// key gets the same answer again; another key gets nothing.
type AskSecrets struct {
	// Step is the number of the step, from 1.
	Step int `json:"step"`
	// Key is a public sealing key that was made for this step (trust.SealingKey).
	Key []byte `json:"key"`
}

// Secrets are sealed to the key that asked, with the context of SecretsContext:
// the JSON of a map from variable to value.
type Secrets struct {
	Sealed []byte `json:"sealed"`
}

// SecretsContext binds what is released to one step of one job.
func SecretsContext(job string, step int) string {
	return fmt.Sprintf("bootward.release.v1 %s %d", job, step)
}

// Claimed is the answer to a claim and to a renewal. Pending alone is set while
// the claim waits for approval, Challenge alone while its TPM is not proven.
type Claimed struct {
	Pending   *Pending       `json:"pending,omitempty"`
	Challenge *tpm.Challenge `json:"challenge,omitempty"`

	Job string `json:"job"`
	// Certificate is the chain in PEM: the job's, then the box's intermediate.
	Certificate string `json:"certificate"`
	// NotAfter is when to have renewed it.
	NotAfter time.Time `json:"notAfter"`
}

// Erase says that the job is about to write to a disk for the first time. The
// box notes it durably before it answers: from then on its grant is spent, also
// if the job fails.
type Erase struct {
	Disk string `json:"disk"` // in words, for people
}

// LogAck says from where on the box wants the log of a job: below Next it has it, or
// has had it.
type LogAck struct {
	Next int64 `json:"next"`
}

// MaxLogChunk is how many bytes of a log one request or answer carries.
const MaxLogChunk = 256 << 10

// Retry asks that a job which failed goes on at the step that failed.
type Retry struct {
	// Person says that a person at the machine wants it; without one the machine asks
	// whether an administrator or technician does.
	Person bool `json:"person,omitempty"`
	// Ticket is that of a password that was checked.
	Ticket string `json:"ticket,omitempty"`
}

// Retried says whether the job is open again. Nobody wanting it is no error.
type Retried struct {
	Again bool   `json:"again"`
	By    string `json:"by,omitempty"` // who wanted it
}

// Renew asks for a new certificate of a running job for the same key.
type Renew struct {
	CSR []byte `json:"csr"`
}

// Job is what the agent needs to run its sequence. It stays the same while
// the job is open, whatever policy says meanwhile.
type Job struct {
	Format        int    `json:"format"` // 1
	ID            string `json:"id"`
	Computer      string `json:"computer"` // host name
	Advertisement string `json:"advertisement"`
	AdvertName    string `json:"advertName"`
	// Sequence is the pinned version.
	Sequence policy.Sequence `json:"sequence"`
	// Variables of collections, then of the computer, already merged.
	Variables map[string]string `json:"variables,omitempty"`
	// Content maps what the sequence names to what the job may fetch.
	Content []JobContent `json:"content,omitempty"`
	// Grant is the signed envelope of policy.Grant that this job claimed;
	// empty when the sequence destroys nothing, or when a person granted it.
	Grant json.RawMessage `json:"grant,omitempty"`
	// PersonGranted says that a person at the machine allowed the job to
	// erase its disk.
	PersonGranted bool `json:"personGranted,omitempty"`
	// ClientAgent says that the agent stays in the system that the job deploys.
	ClientAgent bool `json:"clientAgent,omitempty"`
	// Download says that an image is fetched whole to the target's volume before
	// it is applied; otherwise it is applied while it is fetched.
	Download bool `json:"download,omitempty"`
	// HideProgress keeps the steps off the target's screen; failures are shown.
	HideProgress bool `json:"hideProgress,omitempty"`
	// CommandSupport offers a shell where the sequence failed in the boot image.
	CommandSupport bool `json:"commandSupport,omitempty"`
	// Organisation stands on the target's screen.
	Organisation string    `json:"organisation,omitempty"`
	Opened       time.Time `json:"opened"`
	// NextNumber is the first number of a status message that the box does
	// not have yet.
	NextNumber uint64 `json:"nextNumber"`
}

// JobContent is one package or image that a job may fetch.
type JobContent struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Kind is Package or Image.
	Kind     string `json:"kind"`
	Manifest string `json:"manifest"`       // digest
	File     string `json:"file,omitempty"` // of an Image: path of the WIM
	Bytes    int64  `json:"bytes"`
	// Programs are those of a Package.
	Programs []osd.Program `json:"programs,omitempty"`
	// Remote says that the box may fetch it from its site while the job reads it.
	Remote bool `json:"remote,omitempty"`
}

// StatusBatch is a run of messages of one job, in order.
type StatusBatch struct {
	Messages []status.Message `json:"messages"`
	// Progress of the running step, to be shown; it may be left out.
	Progress *status.Progress `json:"progress,omitempty"`
}

// StatusAck says which messages are on the box's disk: all below Next.
type StatusAck struct {
	Next uint64 `json:"next"`
}
