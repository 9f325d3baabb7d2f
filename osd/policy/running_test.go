package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
)

// running is a ward whose second advertisement is for running clients and erases
// nothing.
func running(change func(*osd.Advertisement)) *Snapshot {
	s := ward()
	a := &s.Advertisements[1]
	a.Sequence, a.AvailableTo, a.Comment = "Look", []string{osd.ToRunningClients}, "Saves the logs."
	if change != nil {
		change(a)
	}
	return s
}

func client(event string) Machine {
	return Machine{MACs: []string{mac1}, Where: osd.ToRunningClients, Event: event}
}

// TestRunningClientsEraseNothing: whatever grants there are and whoever asks, a
// sequence that erases a disk is not offered to a running client.
func TestRunningClientsEraseNothing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		mandatory []string
		event     string
		person    bool
	}{
		{"mandatory, with a grant", []string{osd.AsSoonAsPossible}, "", false},
		{"at logon, with a grant", []string{osd.AtLogon}, osd.AtLogon, false},
		{"at logoff, with a grant", []string{osd.AtLogoff}, osd.AtLogoff, false},
		{"available", nil, "", true},
		{"independently", []string{"2026-06-02T12:00:00Z"}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := running(func(a *osd.Advertisement) {
				a.Sequence, a.Mandatory, a.RunIndependently = "Wipe", tt.mandatory, tt.person
			})
			d := Evaluate(s, client(tt.event), History{StateID: "state"}, now)
			if len(d.Offers) != 0 || len(d.Wants) != 0 || len(d.Upcoming) != 0 {
				t.Errorf("offers %+v, wants %+v, upcoming %+v", d.Offers, d.Wants, d.Upcoming)
			}
			said := false
			for _, r := range d.Refusals {
				said = said || strings.Contains(r.Why, "it erases a disk, and running clients erase nothing: boot the machine from the network")
			}
			if !said {
				t.Errorf("refusals: %+v", d.Refusals)
			}
		})
	}
}

// TestWithoutBootImage: running clients need none, and get what machines that boot
// from the network do not.
func TestWithoutBootImage(t *testing.T) {
	due := func(to ...string) *Snapshot {
		s := running(func(a *osd.Advertisement) { a.Mandatory, a.AvailableTo = []string{osd.AsSoonAsPossible}, to })
		s.Sequences[1].BootImage = ""
		return s
	}
	for _, tt := range []struct {
		name   string
		to     []string
		where  string
		offers int
		why    string
	}{
		{"to running clients, at one", []string{osd.ToRunningClients}, osd.ToRunningClients, 1, ""},
		{"to running clients, at a boot image", []string{osd.ToRunningClients}, "", 0, "available to runningClients only"},
		{"to both, at a running client", []string{osd.ToRunningClients, osd.ToBootMediaAndPXE}, osd.ToRunningClients, 1, ""},
		{"to both, at a boot image", []string{osd.ToRunningClients, osd.ToBootMediaAndPXE}, osd.ToBootMediaAndPXE, 0, "only running clients can run it"},
		{"left out, at a boot image", nil, "", 0, "only running clients can run it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Evaluate(due(tt.to...), Machine{MACs: []string{mac1}, Where: tt.where}, History{StateID: "state"}, now)
			said := ""
			for _, r := range d.Refusals {
				said += r.Why + "\n"
			}
			if len(d.Offers) != tt.offers || !strings.Contains(said, tt.why) {
				t.Errorf("offers %+v, refusals %s", d.Offers, said)
			}
		})
	}
}

// TestUpcoming: what comes is told to running clients only, and only what will
// start by itself.
func TestUpcoming(t *testing.T) {
	ran := History{StateID: "state", Runs: map[string]Run{"A1": {Job: "j", Succeeded: true, Opened: now.Add(-24 * time.Hour)}}}
	tomorrow := time.Date(2026, 6, 2, 2, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		change func(*osd.Advertisement)
		where  string
		h      History
		want   time.Time
	}{
		{"recurring", nil, osd.ToRunningClients, History{}, tomorrow},
		{"boot image", nil, "", History{}, time.Time{}},
		{"not for running clients", func(a *osd.Advertisement) { a.AvailableTo = nil }, osd.ToRunningClients, History{}, time.Time{}},
		{"available", func(a *osd.Advertisement) { a.Mandatory = nil }, osd.ToRunningClients, History{}, time.Time{}},
		{"at logon only", func(a *osd.Advertisement) { a.Mandatory = []string{osd.AtLogon} }, osd.ToRunningClients, History{}, time.Time{}},
		{"erases", func(a *osd.Advertisement) { a.Sequence = "Wipe" }, osd.ToRunningClients, History{}, time.Time{}},
		{"not open yet", func(a *osd.Advertisement) { a.Start = "2026-06-05T00:00:00Z" }, osd.ToRunningClients, History{}, tomorrow.Add(72 * time.Hour)},
		{"as soon as possible from a start on", func(a *osd.Advertisement) {
			a.Mandatory, a.Start = []string{osd.AsSoonAsPossible}, "2026-06-05T00:00:00Z"
		}, osd.ToRunningClients, History{}, time.Date(2026, 6, 5, 0, 0, 0, 0, time.UTC)},
		{"a time before the start", func(a *osd.Advertisement) {
			a.Mandatory, a.Start = []string{"2026-06-03T00:00:00Z"}, "2026-06-05T00:00:00Z"
		}, osd.ToRunningClients, History{}, time.Date(2026, 6, 5, 0, 0, 0, 0, time.UTC)},
		{"expired by then", func(a *osd.Advertisement) { a.Expires = "2026-06-02T02:00:00Z" }, osd.ToRunningClients, History{}, time.Time{}},
		{"ran, rerun never", nil, osd.ToRunningClients, ran, time.Time{}},
		{"ran, rerun always", func(a *osd.Advertisement) { a.Rerun = osd.RerunAlways }, osd.ToRunningClients, ran, tomorrow},
		{"ran, rerun if failed", func(a *osd.Advertisement) { a.Rerun = osd.RerunIfFailed }, osd.ToRunningClients, ran, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := running(func(a *osd.Advertisement) {
				a.Mandatory = []string{"daily at 02:00"}
				if tt.change != nil {
					tt.change(a)
				}
			})
			d := Evaluate(s, Machine{MACs: []string{mac1}, Where: tt.where}, tt.h, now)
			var got time.Time
			if len(d.Upcoming) > 0 {
				got = d.Upcoming[0].At
			}
			if !got.Equal(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestRunIndependently: a person may start what is not due, where its
// advertisement says so; that run counts for the rerun behaviour.
func TestRunIndependently(t *testing.T) {
	for _, tt := range []struct {
		name                   string
		independently          bool
		due                    bool
		succeeded              bool
		wantOffers, wantByself int
	}{
		{"not due, not allowed", false, false, false, 0, 0},
		{"not due, allowed", true, false, false, 1, 0},
		{"due", true, true, false, 1, 1},
		{"succeeded, rerun never", true, false, true, 0, 0},
	} {
		s := running(func(a *osd.Advertisement) {
			a.RunIndependently, a.Mandatory = tt.independently, []string{"2026-06-02T02:00:00Z"}
			if tt.due {
				a.Mandatory = []string{"2026-06-01T02:00:00Z"}
			}
		})
		h := History{}
		if tt.succeeded {
			h.Runs = map[string]Run{"A1": {Job: "j", Succeeded: true, Opened: now.Add(-time.Hour)}}
		}
		d := Evaluate(s, client(""), h, now)
		mandatory := 0
		if d.Mandatory() != nil {
			mandatory = 1
		}
		if len(d.Offers) != tt.wantOffers || mandatory != tt.wantByself {
			t.Errorf("%s: offers %+v, refusals %+v", tt.name, d.Offers, d.Refusals)
		}
	}
}
