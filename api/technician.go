package api

import (
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
)

// Routes of a box for technicians and administrators, TCP 443: a session, which
// a PIN opens, or the client certificate of a person. They work while the line to
// the site is cut.
const (
	RouteBoxOpenAPI  = "GET /openapi.json"         // nobody
	RouteSignIn      = "POST /v1/session"          // nobody, rate-limited: SignIn → Session
	RouteSignOut     = "DELETE /v1/session"        // technician
	RouteBoxState    = "GET /v1/state"             // technician: BoxConsole
	RouteApprovals   = "GET /v1/approvals"         // technician: []PendingApproval
	RouteDecide      = "POST /v1/approvals/{code}" // technician who may approve: Decision → PendingApproval
	RouteBoxResume   = "POST /v1/resume"           // technician who may resume → 204
	RouteBoxClear    = "POST /v1/clear-pxe"        // technician who may clear: ClearPXE → Cleared
	RouteBoxRetry    = "POST /v1/retry"            // technician who may clear: RetryJobs → RetryJobs
	RouteBoxAudit    = "GET /v1/audit"             // technician: []AuditRecord, the newest first
	RouteBoxTimeline = "GET /v1/timeline"          // technician: ?client=MAC: []status.FlightEvent
	RouteBoxTrace    = "GET /v1/trace"             // technician: ?client=MAC: trace.Trace
	RouteBoxLog      = RouteLog                    // technician: ?offset= &follow=: smsts.log of the last job of a computer, or of a job
	RouteBoxExplain  = "GET /v1/explain"           // technician: ?client=MAC&firmware=KIND: BootExplanation
)

// The headers of the answers of RouteBoxLog and RouteLog: which job the log is of, and
// where in it the first byte stands.
const (
	LogJob    = "Bootward-Job"
	LogOffset = "Bootward-Log-Offset"
)

// LogBroken is the trailer of an answer of RouteLog that is not whole: why, as a problem
// document in one line.
const LogBroken = "Bootward-Log-Broken"

// SignIn opens a session at a box.
type SignIn struct {
	Name string `json:"name"`
	PIN  string `json:"pin"`
}

// Session is a bearer token (RFC 6750) that is good at one box until it ends,
// or the box starts again.
type Session struct {
	Token     string    `json:"token"`
	Name      string    `json:"name"`
	May       []string  `json:"may"` // osd.MayApprove and so on
	ExpiresAt time.Time `json:"expiresAt"`
}

// PendingApproval is a machine that waits until a person has compared its code.
type PendingApproval struct {
	ID string `json:"id"`
	// Code is shown on the screen of the machine: 482-913.
	Code string `json:"code"`
	// Computer is the name that it has, or will have.
	Computer      string   `json:"computer"`
	Known         bool     `json:"known"`
	Identity      Identity `json:"identity"`
	Advertisement string   `json:"advertisement"` // name
	Sequence      string   `json:"sequence"`
	Destructive   bool     `json:"destructive"`
	// Version is the digest of the sequence: another version is another question.
	Version string `json:"version,omitempty"`
	// PlaceOf is the computer whose place the machine is to take, as a person typed it.
	PlaceOf string `json:"placeOf,omitempty"`
	// TPM is the digest of the endorsement key that the machine has proven (tpm.Digest):
	// who approves the machine approves it too.
	TPM string `json:"tpm,omitempty"`
	// TPMWas is the one that its computer has; empty if none is known.
	TPMWas string `json:"tpmWas,omitempty"`
	// Why says why a person is asked.
	Why       string    `json:"why"`
	AskedAt   time.Time `json:"askedAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	// Decision is empty, approve or deny; Who decided.
	Decision string `json:"decision,omitempty"`
	Who      string `json:"who,omitempty"`
}

// WaitOf is what views of a deployment show of it; box is the name of its box.
func WaitOf(box string, p PendingApproval) status.Wait {
	w := status.Wait{Computer: p.Computer, Advertisement: p.Advertisement, Sequence: p.Sequence, Box: box, Code: p.Code, Why: p.Why, Since: p.AskedAt}
	if len(p.Identity.MACs) > 0 {
		w.MAC = p.Identity.MACs[0]
	}
	return w
}

// AboutTPM says in words what an approval does to the TPM of the computer; empty if
// nothing.
func (p *PendingApproval) AboutTPM() string {
	switch {
	case p.TPM == p.TPMWas && p.TPM == "":
		return ""
	case p.TPM == p.TPMWas:
		return "the TPM that the site knows"
	case p.TPM == "":
		return "NO TPM, and the site knows one of this computer"
	case p.TPMWas == "":
		return "a TPM, which stands for this computer from the approval on"
	}
	return "ANOTHER TPM, which takes the place of the one that the site knows"
}

// Decision is what a person says of a machine that waits.
type Decision struct {
	// Decision is approve or deny.
	Decision string `json:"decision"`
}

// ClearPXE names computers whose marks are cleared, by name, ID or MAC.
type ClearPXE struct {
	Computers []string `json:"computers"`
}

// Cleared names the computers that were cleared.
type Cleared struct {
	Computers []string `json:"computers"`
}

// RetryJobs names computers whose failed jobs may go on at the step that failed, by name,
// ID or MAC; in the answer by name.
type RetryJobs struct {
	Computers []string `json:"computers"`
}

// BoxConsole is what the box's console shows.
type BoxConsole struct {
	Box       string            `json:"box"` // name
	Site      string            `json:"site"`
	Version   string            `json:"version"`
	Addresses []string          `json:"addresses"`
	Policy    string            `json:"policy,omitempty"` // EPOCH.NUMBER
	Ready     bool              `json:"ready"`
	NotReady  string            `json:"notReady,omitempty"`
	Stopped   string            `json:"stopped,omitempty"` // by the wipe interlock
	Line      string            `json:"line,omitempty"`    // what is wrong with the line to the site
	Waiting   uint64            `json:"waiting"`           // events that the site does not have yet
	Jobs      []BoxJob          `json:"jobs"`
	Pending   []PendingApproval `json:"pending"`
	Alarms    []string          `json:"alarms"`
	// SelfTest is the last test of its segments; nil before the first.
	SelfTest *SelfTest `json:"selfTest,omitempty"`
}

// BoxJob is a running deployment.
type BoxJob struct {
	ID       string           `json:"id"`
	Computer string           `json:"computer"`
	Sequence string           `json:"sequence"`
	Opened   time.Time        `json:"opened"`
	Progress *status.Progress `json:"progress,omitempty"`
}

// Known is a computer that became known at a box, by its first job.
type Known struct {
	osd.Computer
	// Replaces is the name of the computer whose place it takes, as a person at
	// the machine said.
	Replaces string `json:"replaces,omitempty"`
	// Was is the name that the box gave it before, if a person has named it anew.
	Was string `json:"was,omitempty"`
}
