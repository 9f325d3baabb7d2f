package trace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// ofAgent diagnoses a machine whose agent called.
func (a *attempt) ofAgent() Diagnosis {
	e := a.ended
	if e == nil {
		return Diagnosis{Code: Booting, Certain: true, At: a.agent.Time, Seen: "the agent called", Expected: "a person's choice at its screen, or its claim"}
	}
	d := Diagnosis{Code: Booting, Certain: true, At: e.Time, Seen: e.Text}
	switch e.What {
	case status.FlightServed:
		d.Code, d.Seen = Done, "it was handed a boot image in which no agent runs, and nothing is heard of such: "+e.Text
	case status.FlightWaits:
		d.Code, d.Stopped, d.Seen = Waits, true, "it waits until a person has compared its code: "+e.Text
		d.Expected, d.Remedy = "an approval", "compare the code on its screen: computer approve CODE"
	case status.FlightRefused, status.FlightDeny:
		d.Code, d.Stopped, d.Seen = AgentTurnedOff, true, "the agent called, and was turned down: "+e.Text
		d.Remedy = "bootward box explain MAC says what it may run"
	case status.FlightPasswordFailed:
		d.Seen, d.Expected = "a wrong PXE password was typed: "+e.Text, "the right one"
	}
	return d
}

// ofJob diagnoses a machine by its newest job, unless its firmware asks since then:
// a boot that does not come as far as the agent says more than the job before it.
func ofJob(events []status.FlightEvent, messages []status.Message, all []attempt) (Diagnosis, bool) {
	d, at, ok := newest(events, messages)
	if !ok {
		return d, false
	}
	if len(all) == 0 { // messages alone
		return d, true
	}
	last := &all[len(all)-1]
	over := d.Stopped || d.Code == Done
	anew := last.asked.What == status.FlightDiscover && last.asked.Time.After(at) && (over || last.refused == nil)
	claims := last.ended != nil && last.ended.Time.After(at) && slices.Contains(before, last.ended.What)
	return d, !anew && !claims
}

// before are the events of a claim before its job begins.
var before = []string{status.FlightClaim, status.FlightWaits, status.FlightApprove, status.FlightDeny, status.FlightRefused, status.FlightPasswordFailed}

// newest is the state of the newest job, and when it was last heard of.
func newest(events []status.FlightEvent, messages []status.Message) (d Diagnosis, at time.Time, ok bool) {
	var job, name, outcome string
	var ended bool
	for _, e := range events {
		switch e.What {
		case status.FlightJobStarted:
			job, name, at, ended = e.Job, e.Text, e.Time, false
		case status.FlightStatus:
			if e.Job == job && job != "" {
				at = e.Time
			}
		case status.FlightJobEnded:
			if e.Job == job && job != "" {
				ended, outcome, at = true, e.Text, e.Time
			}
		}
	}
	own := slices.DeleteFunc(slices.Clone(messages), func(m status.Message) bool { return m.Job != job })
	if job == "" && len(messages) > 0 {
		job = messages[len(messages)-1].Job
		own = slices.DeleteFunc(slices.Clone(messages), func(m status.Message) bool { return m.Job != job })
		name = own[0].Sequence
	}
	if job == "" {
		return d, at, false
	}
	return ofMessages(name, outcome, ended, own, at)
}

func ofMessages(name, outcome string, ended bool, own []status.Message, at time.Time) (Diagnosis, time.Time, bool) {
	d := Diagnosis{Code: Running, Certain: true, Seen: "its job runs: " + name, Expected: "the next step"}
	var failed *status.Message
	for i := range own {
		m := &own[i]
		if m.Time.After(at) {
			at = m.Time
		}
		if m.ID == status.ActionFailed {
			failed = m
		}
		switch {
		case m.ID.Final():
			ended, outcome = true, m.ID.Name()
		case m.ID == status.SequenceStarted: // or it goes on behind a failure
			ended, outcome, failed = false, "", nil
		}
	}
	if len(own) > 0 {
		if m := own[len(own)-1]; m.Step > 0 {
			d.Seen += fmt.Sprintf(", step %d %s", m.Step, m.Action)
		}
	}
	d.At = at
	switch {
	case ended && outcome == status.SequenceCompleted.Name():
		d.Code, d.Seen, d.Expected = Done, "its job succeeded: "+name, ""
	case ended:
		d.Code, d.Stopped, d.Expected = JobFailed, true, ""
		d.Seen = strings.TrimSuffix("its job failed: "+name+": "+outcome, ": ")
		d.Remedy = "bootward status messages says which step, and what it printed"
		if failed != nil {
			d.Seen += fmt.Sprintf("; step %d %s, exit code %d", failed.Step, failed.Action, failed.ExitCode)
		}
	}
	return d, at, true
}
