package status

import "time"

// Job is what its messages say of a run of a task sequence on a computer.
type Job struct {
	Job           string
	Box           string // that reported it first
	Computer      string
	Advertisement string
	Sequence      string
	Started       time.Time // of the message with the lowest number
	Seen          time.Time // of the one with the highest, which is Last
	Last          MessageID
	Step          int // of Last
	Action, Group string
	ExitCode      int // of the message that ended it, else of Last
	// Ended is the message that ended the job, 0 while it runs.
	Ended MessageID
}

// State is where a deployment is.
type State string

// The states of a machine under an advertisement.
const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	// Waiting waits until a person has approved it.
	Waiting State = "waiting"
	// NoStatus has not been heard of.
	NoStatus State = "no status"
)

// State is Running, Succeeded or Failed.
func (j Job) State() State {
	switch j.Ended {
	case 0:
		return Running
	case SequenceCompleted:
		return Succeeded
	}
	return Failed
}
