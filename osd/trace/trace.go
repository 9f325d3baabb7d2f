// Package trace makes of what a box recorded of one machine its timeline, from the
// first DISCOVER to the last step, and a diagnosis: how far it came, and where it
// stopped what was seen, what was expected next, and what to do.
//
// It is pure: events in, words out, at the time that it is told. It knows only what
// reaches a box: questions that are broadcast, what the machine asked the box itself,
// offers of other servers that were broadcast too. What a machine does elsewhere
// shows in its silence; a diagnosis that rests on that says so (Certain).
//
// The order of a boot is that of PXE 2.1 section 2.2 and of UEFI 2.10 section 24.7;
// how firmware behaves beside other servers was seen with OVMF, iPXE and boot ROMs.
package trace

import (
	"slices"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// Trace is what is known of one machine.
type Trace struct {
	Client string `json:"client"` // MAC
	// Firmware is the kind of firmware that asked last, empty if it is not known.
	Firmware  string         `json:"firmware,omitempty"`
	Entries   []status.Entry `json:"entries"`
	Diagnosis Diagnosis      `json:"diagnosis"`
}

// Code is how far a machine came, or why it did not come further. Programs may
// depend on the words.
type Code string

// The codes.
const (
	Nothing        Code = "nothing"         // nothing was recorded
	Booting        Code = "booting"         // it is on its way
	Waits          Code = "waits"           // for a person to compare its code
	Running        Code = "running"         // a job runs
	Done           Code = "done"            // its job succeeded
	JobFailed      Code = "job-failed"      // its job failed
	SentOn         Code = "sent-on"         // to its next boot device, as policy wants
	NotAnswered    Code = "not-answered"    // policy or history say so
	NoBootImage    Code = "no-boot-image"   // none for this architecture
	NoRequest      Code = "no-request"      // it took no address after our offer
	Option60       Code = "option-60"       // another server's option 60 leads to a 4011 where nobody answers
	OtherServer    Code = "other-server"    // another server answered it, first or better
	Impostor       Code = "impostor"        // somebody else answered it under the box's own address
	IgnoresProxy   Code = "ignores-proxy"   // firmware does not take boot files from a proxy
	NotFetched     Code = "not-fetched"     // it knows its file, and does not ask for it
	FileMissing    Code = "file-missing"    // it asked for a file that is not there
	TransferBroken Code = "transfer-broken" // a file did not arrive
	NotStarted     Code = "not-started"     // it has its files, and the agent does not call
	AgentTurnedOff Code = "agent-refused"   // the agent called, and was turned down
)

// Diagnosis says how far a machine came.
type Diagnosis struct {
	Code Code `json:"code"`
	// Stopped says that it will not go on unless somebody does something.
	Stopped bool      `json:"stopped"`
	At      time.Time `json:"at,omitzero"` // of the last event that it rests on
	// Certain is false where the box could see only that the machine fell silent.
	Certain  bool   `json:"certain"`
	Seen     string `json:"seen"`
	Expected string `json:"expected,omitempty"` // next
	Remedy   string `json:"remedy,omitempty"`
}

// Of traces a machine by the events of its flight recorder and, where they are
// known, the status messages of its jobs, as things stand now. Events are in the
// order of time.
func Of(client string, events []status.FlightEvent, messages []status.Message, now time.Time) Trace {
	return Trace{Client: client, Firmware: Firmware(events), Entries: status.Timeline(events, messages), Diagnosis: Diagnose(events, messages, now)}
}

// Firmware is the kind of firmware that asked last, empty if it is not known.
func Firmware(events []status.FlightEvent) string {
	for _, e := range slices.Backward(events) {
		if e.Boot != nil && e.Boot.Firmware != "" && e.Boot.Firmware != agent {
			return e.Boot.Firmware
		}
	}
	return ""
}

// Jobs lists the jobs that a machine had, oldest first: those whose messages Of wants.
func Jobs(events []status.FlightEvent) []string {
	var all []string
	for _, e := range events {
		if e.What == status.FlightJobStarted && e.Job != "" && !slices.Contains(all, e.Job) {
			all = append(all, e.Job)
		}
	}
	return all
}

// Lines is the diagnosis for people, the first line without a label.
func (d Diagnosis) Lines() []string {
	if d.Seen == "" {
		return nil
	}
	head := d.Seen
	if !d.Certain {
		head += " (this box could not see more: the cause is likely, not certain)"
	}
	lines := []string{head}
	if d.Expected != "" {
		lines = append(lines, "expected next: "+d.Expected)
	}
	if d.Remedy != "" {
		lines = append(lines, "what to do: "+d.Remedy)
	}
	return lines
}
