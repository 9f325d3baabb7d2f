package status

import (
	"fmt"
	"slices"
	"time"
)

// Entry is one line of a machine's timeline.
type Entry struct {
	Time time.Time `json:"time"`
	// After is the time since the first entry.
	After time.Duration `json:"after"`
	// Source is "box" for the flight recorder and "agent" for status
	// messages.
	Source string `json:"source"`
	What   string `json:"what"`
	Text   string `json:"text"`
}

// Timeline puts the flight recorder and the status messages of one machine in
// one order of time, from the first packet to the last step. Flight events that
// only repeat a status message are passed over.
func Timeline(events []FlightEvent, messages []Message) []Entry {
	var out []Entry
	for _, e := range events {
		if e.What == "status" && len(messages) > 0 {
			continue
		}
		out = append(out, Entry{Time: e.Time, Source: "box", What: e.What, Text: flightText(e)})
	}
	for _, m := range messages {
		out = append(out, Entry{Time: m.Time, Source: "agent", What: fmt.Sprint(int(m.ID)), Text: messageText(m)})
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.Time.Compare(b.Time) })
	for i := range out {
		out[i].After = out[i].Time.Sub(out[0].Time)
	}
	return out
}

func flightText(e FlightEvent) string {
	switch {
	case e.Bytes > 0 && e.Millis > 0:
		return fmt.Sprintf("%s (%.1f MiB in %.1f s)", e.Text, float64(e.Bytes)/(1<<20), float64(e.Millis)/1000)
	case e.Bytes > 0:
		return fmt.Sprintf("%s (%.1f MiB)", e.Text, float64(e.Bytes)/(1<<20))
	}
	return e.Text
}

func messageText(m Message) string {
	s := brief(m.ID.Name())
	if m.Step > 0 {
		name := m.Action
		if name == "" {
			name = m.Group
		}
		s += fmt.Sprintf(": %d %s", m.Step, name)
	}
	if m.ExitCode != 0 {
		s += fmt.Sprintf(" (exit code %d)", m.ExitCode)
	}
	return s
}
