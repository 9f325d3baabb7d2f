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
	Job    string `json:"job,omitempty"`
}

// Timeline puts the flight recorder and the status messages of one machine in
// one order of time, from the first packet to the last step, in plain words.
// Flight events that only repeat a status message are passed over; a machine
// that asks again and again has one entry for it, at its first question, and
// another one for the answer.
func Timeline(events []FlightEvent, messages []Message) []Entry {
	ended := map[string]bool{}
	for _, m := range messages {
		ended[m.Job] = ended[m.Job] || m.ID.Final()
	}
	var out []Entry
	for _, e := range events {
		if e.What == FlightStatus && len(messages) > 0 || e.What == FlightJobEnded && ended[e.Job] {
			continue
		}
		out = append(out, Entry{Time: e.Time, Source: "box", What: e.What, Text: flightText(e), Job: e.Job})
	}
	for _, m := range messages {
		out = append(out, Entry{Time: m.Time, Source: "agent", What: fmt.Sprint(int(m.ID)), Text: messageText(m), Job: m.Job})
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.Time.Compare(b.Time) })
	out = quieter(out)
	for i := range out {
		out[i].After = out[i].Time.Sub(out[0].Time)
	}
	return out
}

// answered is how soon after a question an answer belongs to it.
const answered = time.Second

// quieter makes one entry of a question and the answer that follows it at
// once, and one of entries that say the same one after the other.
func quieter(all []Entry) []Entry {
	var out []Entry
	times := 1
	for _, e := range all {
		if len(out) == 0 {
			out = append(out, e)
			continue
		}
		last := &out[len(out)-1]
		switch {
		case e.Source == last.Source && e.What == last.What && e.Text == once(last.Text, times):
			times++
			last.Text = fmt.Sprintf("%s (%d times)", e.Text, times)
		case e.What == FlightOffer && last.What == FlightDiscover && times == 1 && e.Time.Sub(last.Time) < answered:
			last.What, last.Text = e.What, e.Text
		default:
			out, times = append(out, e), 1
		}
	}
	return out
}

// once is a text without the count of its repetitions.
func once(text string, times int) string {
	if times < 2 {
		return text
	}
	return text[:len(text)-len(fmt.Sprintf(" (%d times)", times))]
}
