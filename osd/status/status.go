// Package status is what is reported of a deployment: the status messages of
// the guide (figures 9 and 10) and the views made of them.
//
// A message is an event of one job. Messages are keyed: (job, number) from
// agent to box, (state id, number) from box to site, so that what is sent
// twice counts once.
package status

import "time"

// MessageID is the number of a status message.
type MessageID int

// The status messages of a task sequence (guide, figure 10; those that the
// guide does not show are named in docs/formats/status.md with their source).
const (
	ProgramReceived   MessageID = 10002
	ProgramStarted    MessageID = 10005
	GroupStarted      MessageID = 11124
	GroupCompleted    MessageID = 11127
	ActionDisabled    MessageID = 11128
	ActionSkipped     MessageID = 11130
	ActionCompleted   MessageID = 11134
	ActionFailed      MessageID = 11135
	FailureIgnored    MessageID = 11138
	SequenceStarted   MessageID = 11140
	SequenceFailed    MessageID = 11141
	RebootInitiated   MessageID = 11142
	SequenceCompleted MessageID = 11143
	StartedInBoot     MessageID = 11144
	ManagerFailed     MessageID = 11170
)

// Name is the text of the message as the guide's reports print it.
func (id MessageID) Name() string {
	switch id {
	case ProgramReceived:
		return "Program received"
	case ProgramStarted:
		return "Program started"
	case GroupStarted:
		return "The task sequence execution engine started a group"
	case GroupCompleted:
		return "The task sequence execution engine successfully completed a group"
	case ActionDisabled:
		return "The task sequence execution engine skipped a disabled action"
	case ActionSkipped:
		return "The task sequence execution engine skipped an action because its condition was evaluated to be false"
	case ActionCompleted:
		return "The task sequence execution engine successfully completed an action"
	case ActionFailed:
		return "The task sequence execution engine failed executing an action"
	case FailureIgnored:
		return "The task sequence execution engine ignored an execution failure of an action"
	case SequenceStarted:
		return "The task sequence execution engine started execution of a task sequence"
	case SequenceFailed:
		return "The task sequence execution engine failed execution of a task sequence"
	case RebootInitiated:
		return "The task sequence execution engine performed a system reboot initiated by an action"
	case SequenceCompleted:
		return "The task sequence execution engine successfully completed a task sequence"
	case StartedInBoot:
		return "The task sequence was started from the boot image"
	case ManagerFailed:
		return "The task sequence manager could not successfully complete execution of the task sequence"
	}
	return "Unknown status message"
}

// Final says whether the message ends its job.
func (id MessageID) Final() bool { return id == SequenceCompleted || id == SequenceFailed }

// MaxOutput is the most bytes of output that a message carries; of longer
// output the end is kept.
const MaxOutput = 4096

// Message is one status message of one job.
type Message struct {
	// Job and Number are the key: numbers of a job count from 1.
	Job    string    `json:"job"`
	Number uint64    `json:"number"`
	Time   time.Time `json:"time"`
	ID     MessageID `json:"id"`
	// Step is the running number of the node in the sequence, from 1; 0 when
	// the message is not about a node.
	Step   int    `json:"step,omitempty"`
	Action string `json:"action,omitempty"`
	Group  string `json:"group,omitempty"`
	// ExitCode is the exit code of the step, 0 on success.
	ExitCode int    `json:"exitCode,omitempty"`
	Output   string `json:"output,omitempty"`
	// Stage is where the agent ran: "bootImage" or "installedSystem".
	Stage string `json:"stage,omitempty"`

	// The box fills in what the job is about, from its own record.
	Computer      string `json:"computer,omitempty"`
	Advertisement string `json:"advertisement,omitempty"`
	Sequence      string `json:"sequence,omitempty"`
}

// The stages of a deployment.
const (
	StageBootImage       = "bootImage"
	StageInstalledSystem = "installedSystem"
)

// Progress is how far a running step is. It is shown, never stored.
type Progress struct {
	Job    string `json:"job"`
	Step   int    `json:"step"`
	Action string `json:"action"`
	Done   int64  `json:"done"`
	Total  int64  `json:"total"`
	Unit   string `json:"unit"` // "B" or ""
}

// The words of FlightEvent.What. A reader shows words that it does not know.
const (
	FlightWake       = "wake"          // the box sent what wakes it
	FlightDiscover   = "dhcp-discover" // the machine asked by DHCP
	FlightOffer      = "dhcp-offer"    // and was answered
	FlightRequest    = "dhcp-request"  // it chose a server's address, maybe another one's
	FlightOther      = "dhcp-other"    // another server's offer to it was overheard
	FlightTFTP       = "tftp"          // a file was sent by TFTP
	FlightHTTP       = "http"          // a boot file was sent by HTTP
	FlightServed     = "served"        // a boot image without an agent was handed out
	FlightAgent      = "agent"         // the agent's first call: what may this machine run?
	FlightClaim      = "claim"         // the agent said what machine it runs on
	FlightJobStarted = "job-started"
	FlightStatus     = "status" // repeats a status message
	FlightJobEnded   = "job-ended"
	FlightRefused    = "refused" // a request was turned down
	FlightAlarm      = "alarm"   // a person should look: a conflict, a second claimant
	FlightWaits      = "waits"   // a claim waits until a person has compared its code
	FlightApprove    = "approve" // a person approved it
	FlightDeny       = "deny"    // or denied it
	// FlightPasswordFailed is a wrong PXE password.
	FlightPasswordFailed = "password-failed"
)

// FlightEvent is one entry of a machine's flight recorder, from the first
// DHCP packet to the last step; boxes keep them and send them to the site in
// the same outbox as status messages.
type FlightEvent struct {
	Time time.Time `json:"time"`
	// Client is the MAC of the machine.
	Client string `json:"client"`
	Job    string `json:"job,omitempty"`
	// What is one of the stable words below.
	What string `json:"what"`
	// Text is for people.
	Text string `json:"text"`
	// Bytes and Millis are those of a transfer.
	Bytes  int64 `json:"bytes,omitempty"`
	Millis int64 `json:"millis,omitempty"`
	// Boot is what a packet or a request of network boot said; nil for other events,
	// and for those of older boxes.
	Boot *Boot `json:"boot,omitempty"`
}
