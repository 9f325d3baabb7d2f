package osd

import (
	"strings"
	"testing"
	"time"
)

// TestNotices: what is wrong with countdown and reminders is said with field and
// remedy.
func TestNotices(t *testing.T) {
	hours := func(n ...int) []Duration {
		var out []Duration
		for _, h := range n {
			out = append(out, Duration(time.Duration(h)*time.Hour))
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		change func(*Advertisement)
		want   string // "" is right
	}{
		{"right", nil, ""},
		{"a day", func(a *Advertisement) { a.Countdown = Duration(MaxCountdown) }, ""},
		{"more than a day", func(a *Advertisement) { a.Countdown = Duration(MaxCountdown + 1) }, "24h at most"},
		{"less than a second", func(a *Advertisement) { a.Countdown = 1 }, "1s or more"},
		{"nothing to count down", func(a *Advertisement) { a.Mandatory = nil }, "only a mandatory advertisement counts down"},
		{"reminders of nothing", func(a *Advertisement) { a.Mandatory = nil }, "a time to remind of"},
		{"reminders at boot images", func(a *Advertisement) { a.AvailableTo = nil }, "add runningClients"},
		{"a countdown at boot images", func(a *Advertisement) { a.AvailableTo, a.Reminders, a.RunIndependently = nil, nil, false }, ""},
		{"zero", func(a *Advertisement) { a.Reminders = hours(1, 0) }, "reminders[1]"},
		{"a month and an hour", func(a *Advertisement) { a.Reminders = hours(721) }, "give 1m to 720h"},
		{"twice", func(a *Advertisement) { a.Reminders = hours(2, 1, 2) }, "reminders[2]"},
		{"many", func(a *Advertisement) { a.Reminders = hours(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) }, "give 10 at most"},
		{"independently of nothing", func(a *Advertisement) { a.Mandatory, a.Countdown, a.Reminders = nil, 0, nil }, "runIndependently"},
	} {
		a := &Advertisement{Meta: Meta{Name: "Logs"}, Collection: "Ward", Sequence: "Look", Mandatory: []string{"daily at 02:00"},
			AvailableTo: []string{ToRunningClients}, Countdown: Duration(15 * time.Minute), Reminders: hours(24, 1), RunIndependently: true}
		if tt.change != nil {
			tt.change(a)
		}
		err := a.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
