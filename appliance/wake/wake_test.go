package wake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/schedule"
)

var now = time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)

func stamp(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }

// TestDue: which assignments wake machines at a time.
func TestDue(t *testing.T) {
	for _, tt := range []struct {
		name string
		a    osd.Advertisement
		due  bool
		at   time.Time
	}{
		{"now", osd.Advertisement{Mandatory: []string{stamp(0)}}, true, now},
		{"59 minutes ago", osd.Advertisement{Mandatory: []string{stamp(-59 * time.Minute)}}, true, now.Add(-59 * time.Minute)},
		{"61 minutes ago", osd.Advertisement{Mandatory: []string{stamp(-61 * time.Minute)}}, false, time.Time{}},
		{"in a second", osd.Advertisement{Mandatory: []string{stamp(time.Second)}}, false, time.Time{}},
		{"daily", osd.Advertisement{Mandatory: []string{"daily at 17:30"}}, true, now.Add(-30 * time.Minute)},
		{"at once, without a start", osd.Advertisement{Mandatory: []string{osd.AsSoonAsPossible}}, true, time.Time{}},
		{"at once, started just now", osd.Advertisement{Mandatory: []string{osd.AsSoonAsPossible}, Start: osd.Moment(stamp(-time.Minute))}, true, now.Add(-time.Minute)},
		{"at once, started yesterday", osd.Advertisement{Mandatory: []string{osd.AsSoonAsPossible}, Start: osd.Moment(stamp(-24 * time.Hour))}, false, time.Time{}},
		{"at a logon", osd.Advertisement{Mandatory: []string{osd.AtLogon}}, false, time.Time{}},
		{"available", osd.Advertisement{}, false, time.Time{}},
		{"expired", osd.Advertisement{Mandatory: []string{stamp(-2 * time.Minute)}, Expires: osd.Moment(stamp(-time.Minute))}, false, time.Time{}},
		{"of two the newest", osd.Advertisement{Mandatory: []string{stamp(-2 * time.Hour), stamp(-time.Minute)}}, true, now.Add(-time.Minute)},
	} {
		tt.a.WakeOnLAN = true
		got := Due([]osd.Advertisement{tt.a}, now)
		if (len(got) == 1) != tt.due || tt.due && !got[0].Occurrence.Equal(tt.at) {
			t.Errorf("%s: %+v", tt.name, got)
		}
		tt.a.WakeOnLAN = false
		if got := Due([]osd.Advertisement{tt.a}, now); len(got) != 0 {
			t.Errorf("%s, without wakeOnLAN: %+v", tt.name, got)
		}
	}
}

// TestCall: who is woken, and at which addresses.
func TestCall(t *testing.T) {
	a := Assignment{Advertisement: osd.Advertisement{Meta: osd.Meta{ID: "A1"}}}
	offer := func(id string, mandatory, destructive bool) policy.Decision {
		return policy.Decision{Offers: []policy.Offer{{Advertisement: osd.Advertisement{Meta: osd.Meta{ID: id}}, Mandatory: mandatory, Sequence: policy.Sequence{Destructive: destructive}}}}
	}
	own, dock := "52-54-00-00-00-01", "00:50:B6:00:00:01"
	settings := &osd.SiteSettings{SharedMACs: []string{"00:50:b6"}}
	for _, tt := range []struct {
		name    string
		d       policy.Decision
		macs    []string
		stopped string
		want    string
	}{
		{"starts by itself", offer("A1", true, true), []string{own}, "", "52:54:00:00:00:01"},
		{"waits for a person", offer("A1", false, false), []string{own}, "", ""},
		{"another advertisement", offer("A2", true, false), []string{own}, "", ""},
		{"nothing is offered", policy.Decision{}, []string{own}, "", ""},
		{"the box has stopped", offer("A1", true, true), []string{own}, "too many", ""},
		{"the box has stopped, nothing is erased", offer("A1", true, false), []string{own}, "too many", "52:54:00:00:00:01"},
		{"at a dock", offer("A1", true, true), []string{dock, own}, "", "52:54:00:00:00:01"},
		{"only a dock", offer("A1", true, true), []string{dock}, "", ""},
		{"no address", offer("A1", true, true), []string{"x"}, "", ""},
	} {
		call, ok := a.Call(&osd.Computer{MACs: tt.macs}, &tt.d, settings, tt.stopped)
		var macs []string
		for _, m := range call.MACs {
			macs = append(macs, m.String())
		}
		if got := strings.Join(macs, " "); ok != (tt.want != "") || got != tt.want {
			t.Errorf("%s: %v, %q", tt.name, ok, got)
		}
	}
}

func TestPacket(t *testing.T) {
	mac := net.HardwareAddr{0x52, 0x54, 0, 0, 0, 1}
	p := Packet(mac)
	if len(p) != 102 || !bytes.Equal(p[:6], bytes.Repeat([]byte{0xff}, 6)) || bytes.Count(p, mac) != 16 || !bytes.Equal(p[96:], mac) {
		t.Errorf("%x", p)
	}
}

// memory is a Memory that may fail.
type memory struct {
	woken map[string]bool
	err   error
}

func (m *memory) Woken(context.Context, string, time.Time) (map[string]bool, error) {
	return m.woken, nil
}

func (m *memory) Woke(_ context.Context, _ string, _ time.Time, computer string, _ time.Time) error {
	if m.err == nil {
		m.woken[computer] = true
	}
	return m.err
}

// ward is a service for three machines with one sequence that erases nothing.
func ward(t *testing.T, m *memory, sent *[]string) *Service {
	t.Helper()
	s := &policy.Snapshot{IssuedAt: now, Sequences: []policy.Sequence{{Name: "S", BootImage: "B1"}}, Collections: []osd.Collection{{Meta: osd.Meta{Name: "W"}}},
		Advertisements: []osd.Advertisement{{Meta: osd.Meta{ID: "A1", Name: "Wake"}, Collection: "W", Sequence: "S", Mandatory: []string{stamp(-time.Minute)}, WakeOnLAN: true}}}
	for i := range 3 {
		c := osd.Computer{Meta: osd.Meta{ID: fmt.Sprint("C", i), Name: fmt.Sprint("pc", i)}, MACs: []string{fmt.Sprintf("52:54:00:00:00:%02d", i)}}
		s.Computers = append(s.Computers, c)
		s.Collections[0].Members = append(s.Collections[0].Members, c.Name)
	}
	window, err := schedule.Parse("daily at 02:00")
	if err != nil {
		t.Fatal(err)
	}
	s.Collections = append(s.Collections, osd.Collection{Meta: osd.Meta{Name: "Closed"}, Members: []string{"pc2"},
		MaintenanceWindows: []osd.MaintenanceWindow{{Schedule: window, Duration: osd.Duration(time.Hour)}}})
	e := policy.New(s, policy.Local{})
	return &Service{
		Policy: func() *policy.Evaluator { return e }, Changed: func() <-chan struct{} { return nil }, Memory: m,
		Decide: func(_ context.Context, c *osd.Computer, where string) (policy.Decision, error) {
			return e.Evaluate(policy.Machine{MACs: c.MACs, Where: where}, policy.History{}, now), nil
		},
		Stopped: func(context.Context) (string, error) { return "", nil }, Interfaces: func() []string { return []string{"eth0", "eth1"} },
		Send: func(_ context.Context, iface string, macs []net.HardwareAddr) error {
			*sent = append(*sent, iface+" "+macs[0].String())
			return nil
		},
		Note: func(Call, error) {}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
}

// TestService: each machine is called once, on every interface, not all in one
// moment, and not outside of its maintenance window.
func TestService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		s := ward(t, &memory{woken: map[string]bool{}}, &sent)
		begin := time.Now()
		for range 2 {
			if err := s.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"eth0 52:54:00:00:00:00", "eth1 52:54:00:00:00:00", "eth0 52:54:00:00:00:01", "eth1 52:54:00:00:00:01"}
		if !slices.Equal(sent, want) {
			t.Errorf("%q", sent)
		}
		if took := time.Since(begin); took < 2*pace {
			t.Errorf("two machines in %s", took)
		}
	})
}

// TestServiceWaits: without an interface nobody is called and nothing is marked;
// what cannot be remembered is not sent.
func TestServiceWaits(t *testing.T) {
	var sent []string
	m := &memory{woken: map[string]bool{}}
	s := ward(t, m, &sent)
	s.Interfaces = func() []string { return nil }
	if err := s.Look(t.Context()); err != nil || len(m.woken) != 0 {
		t.Errorf("%v, %v", m.woken, err)
	}
	m.err = errors.New("the disk is full")
	s.Interfaces = func() []string { return []string{"eth0"} }
	if err := s.Look(t.Context()); !errors.Is(err, m.err) || len(sent) != 0 {
		t.Errorf("%q, %v", sent, err)
	}
}

// TestCalledByAPerson: who is named is woken, also again, and nobody else.
func TestCalledByAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		s := ward(t, &memory{woken: map[string]bool{"C2": true}}, &sent)
		s.Interfaces = func() []string { return []string{"eth0"} }
		for range 2 {
			s.Call(t.Context(), []string{"C2", "ghost"}, "an administrator")
		}
		if want := []string{"eth0 52:54:00:00:00:02", "eth0 52:54:00:00:00:02"}; !slices.Equal(sent, want) {
			t.Errorf("%q", sent)
		}
	})
}
