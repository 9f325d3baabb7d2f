package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/schedule"
)

func known() Machine { return Machine{MACs: []string{mac1}} }

// TestWhere: an advertisement is offered where it is available, and at logon
// only if somebody signed in.
func TestWhere(t *testing.T) {
	s := ward()
	a := &s.Advertisements[1]
	a.AvailableTo, a.Mandatory, a.Sequence = []string{osd.ToRunningClients}, []string{osd.AtLogon}, "Look"
	h := History{StateID: "state"}
	for _, tt := range []struct {
		machine Machine
		offers  int
	}{
		{Machine{MACs: []string{mac1}}, 0},
		{Machine{MACs: []string{mac1}, Where: osd.ToRunningClients}, 0},
		{Machine{MACs: []string{mac1}, Where: osd.ToRunningClients, Event: osd.AtLogoff}, 0},
		{Machine{MACs: []string{mac1}, Where: osd.ToRunningClients, Event: osd.AtLogon}, 1},
	} {
		if d := Evaluate(s, tt.machine, h, now); len(d.Offers) != tt.offers {
			t.Errorf("%+v: %d offers: %+v", tt.machine, len(d.Offers), d.Refusals)
		}
	}
}

// TestMaintenanceWindows: with the two exceptions of the guide.
func TestMaintenanceWindows(t *testing.T) {
	parse := func(text string) schedule.Schedule {
		w, err := schedule.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for _, tt := range []struct {
		name   string
		window string
		change func(*osd.Advertisement)
		starts bool
	}{
		{"no window", "", nil, true},
		{"open", "2026-06-01T11:00:00Z", nil, true},
		{"over", "2026-06-01T09:00:00Z", nil, false},
		{"ignored", "2026-06-01T09:00:00Z", func(a *osd.Advertisement) { a.IgnoreMaintenanceWindows = true }, true},
		{"run fits", "2026-06-01T11:00:00Z", func(a *osd.Advertisement) { a.MaximumRunTime = osd.Duration(time.Hour) }, true},
		{"run does not fit", "2026-06-01T11:00:00Z", func(a *osd.Advertisement) { a.MaximumRunTime = osd.Duration(90 * time.Minute) }, false},
		{"restart outside allowed", "2026-06-01T11:00:00Z", func(a *osd.Advertisement) {
			a.MaximumRunTime, a.AllowRestartOutside = osd.Duration(90*time.Minute), true
		}, true},
	} {
		s := ward()
		if tt.window != "" {
			s.Collections[0].MaintenanceWindows = []osd.MaintenanceWindow{{Schedule: parse(tt.window), Duration: osd.Duration(2 * time.Hour)}}
		}
		if tt.change != nil {
			tt.change(&s.Advertisements[1])
		}
		if d := Evaluate(s, known(), History{StateID: "state"}, now); (d.Mandatory() != nil) != tt.starts {
			t.Errorf("%s: starts %v, refusals %+v", tt.name, d.Mandatory() != nil, d.Refusals)
		}
	}
}

// TestProvisional: a machine that its own job made known keeps the
// advertisements for unknown computers until it has succeeded, and nothing is
// mandatory for it by that collection.
func TestProvisional(t *testing.T) {
	s := ward()
	s.Box.PXE.UnknownComputers = true
	s.Advertisements[0].Mandatory = []string{osd.AsSoonAsPossible}
	l := Local{Computers: []osd.Computer{{Meta: osd.Meta{ID: "local-1", Name: "W12-1"}, MACs: []string{"52:54:00:00:00:09"}, Provisional: true}}}
	m := Machine{MACs: []string{"52:54:00:00:00:09"}}
	d := New(s, l).Evaluate(m, History{}, now)
	if d.Computer == nil || len(d.Offers) != 1 || d.Offers[0].Mandatory {
		t.Errorf("%+v", d)
	}
	// All Systems holds it: what erases everybody does not start by itself there,
	// nor count as wanted, before a job of it has succeeded.
	s.Advertisements[0].Collection = osd.AllSystems
	if d = New(s, l).Evaluate(m, History{}, now); len(d.Offers) != 1 || d.Offers[0].Mandatory || len(d.Wants) != 0 {
		t.Errorf("All Systems: %+v", d)
	}
	s.Advertisements[0].Collection = osd.UnknownComputers
	l.Computers[0].Provisional = false
	if d := New(s, l).Evaluate(m, History{}, now); len(d.Offers) != 0 {
		t.Errorf("provisioned, but offered %+v", d.Offers)
	}
	// The site has merged it: the site's record counts.
	s.Computers = append(s.Computers, osd.Computer{Meta: osd.Meta{ID: "C3", Name: "W12-one"}, MACs: []string{"52-54-00-00-00-09"}})
	if c, _ := New(s, l).Identify(m); c == nil || c.ID != "C3" {
		t.Errorf("identified as %+v", c)
	}
}

// TestSharedLabels: docks and obsolete records identify nobody.
func TestSharedLabels(t *testing.T) {
	s := ward()
	s.Settings.SharedMACs = []string{mac1}
	if c, _ := New(s, Local{}).Identify(known()); c != nil {
		t.Errorf("a dock identified %s", c.Name)
	}
	if c, conflict := New(s, Local{}).Identify(Machine{MACs: []string{mac1, mac2}}); c == nil || c.Name != "pc-2" || conflict != "" {
		t.Errorf("%v, %q", c, conflict)
	}
	s.Computers[1].Obsolete = true
	if c, _ := New(s, Local{}).Identify(Machine{MACs: []string{mac2}}); c != nil {
		t.Errorf("an obsolete record identified %s", c.Name)
	}
}

// TestVariables: the computer's own win over those of collections; of these the
// higher priority wins, of equal ones the later name.
func TestVariables(t *testing.T) {
	s := ward()
	s.Collections = []osd.Collection{
		{Meta: osd.Meta{Name: "A"}, Members: []string{"pc-1"}, VariablePriority: 2, Variables: map[string]string{"p": "A", "own": "A"}},
		{Meta: osd.Meta{Name: "B"}, Members: []string{"pc-1"}, Variables: map[string]string{"p": "B", "n": "B"}},
		{Meta: osd.Meta{Name: "C"}, Members: []string{"pc-1"}, Variables: map[string]string{"n": "C"}},
		{Meta: osd.Meta{Name: "D"}, Members: []string{"pc-2"}, VariablePriority: 9, Variables: map[string]string{"n": "D"}},
	}
	s.Computers[0].Variables = map[string]string{"own": "pc"}
	e := New(s, Local{})
	d := e.Evaluate(known(), History{}, now)
	got := e.Variables(&d)
	if got["p"] != "A" || got["n"] != "C" || got["own"] != "pc" || len(got) != 3 {
		t.Errorf("%v", got)
	}
}

func TestExpandName(t *testing.T) {
	m := inventory.Machine{SerialNumber: "CZC 123-4567", AssetTag: ""}
	for template, want := range map[string]string{
		"W12-%_SMSTSSerialNumber:-4%": "W12-4567", "%_smstsserialnumber:3%": "CZC", "W12": "W12",
		"W12-%_SMSTSSerialNumber%": "W12-CZC123-4567", "W12x-%_SMSTSSerialNumber%": "", "A-%_SMSTSAssetTag%": "", "%Nothing%": "",
	} {
		got, err := ExpandName(template, m)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s: %q, %v", template, got, err)
		}
	}
}

// TestClock: a clock at 1970 or 2099 starts nothing that erases.
func TestClock(t *testing.T) {
	for _, year := range []int{1970, 2099} {
		at := time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
		if d := Evaluate(ward(), known(), History{StateID: "state"}, at); d.Mandatory() != nil {
			t.Errorf("%d: %+v", year, d.Mandatory())
		}
	}
}

// TestInterlock: what wants to be erased is counted with and without a grant.
func TestInterlock(t *testing.T) {
	s := ward()
	s.Advertisements[1].ConfirmedMachines = 1
	s.Grants = s.Grants[:1]
	d := Evaluate(s, Machine{MACs: []string{mac2}}, History{StateID: "state"}, now)
	if len(d.Offers) != 0 || len(d.Wants) != 1 || d.Wants[0].Confirmed != 1 {
		t.Fatalf("%+v", d)
	}
	for _, tt := range []struct {
		w     Wipes
		stops bool
	}{
		{Wipes{Wanting: map[string]int{"A1": 1}}, false},
		{Wipes{Wanting: map[string]int{"A1": 2}}, true},
		{Wipes{Stopped: "before", Wanting: map[string]int{"A1": 1}}, true},
	} {
		if why := CheckWants(d.Wants, tt.w); (why != "") != tt.stops {
			t.Errorf("%+v: %q", tt.w, why)
		}
	}
	box, two := osd.Box{}, 2
	box.WipesPerHour = &two
	person := &Offer{Sequence: Sequence{Destructive: true}}
	for _, tt := range []struct {
		name  string
		offer *Offer
		w     Wipes
		stops bool
	}{
		{"second by a person", person, Wipes{Uncovered: 1}, false},
		{"third by a person", person, Wipes{Uncovered: 2}, true},
		{"covered by a grant", &Offer{Sequence: person.Sequence, Grant: &s.Grants[0]}, Wipes{Uncovered: 9}, false},
		{"stopped", &Offer{Sequence: person.Sequence, Grant: &s.Grants[0]}, Wipes{Stopped: "x"}, true},
		{"destroys nothing", &Offer{}, Wipes{Stopped: "x", Uncovered: 9}, false},
	} {
		if why := CheckClaim(&box, tt.offer, tt.w); (why != "") != tt.stops {
			t.Errorf("%s: %q", tt.name, why)
		}
	}
}

// TestReady: what a box could finish with its line cut.
func TestReady(t *testing.T) {
	s := ward()
	s.Sequences[0].Content = []string{"P1", "P2"}
	s.Packages = []osd.Package{{Meta: osd.Meta{ID: "P1", Name: "Tools"}, Content: osd.Content{Manifest: "m1"}}}
	r := New(s, Local{}).Ready(func(m string) bool { return m == "boot" }, now)
	if len(r) != 2 || !r[0].Ready || r[1].Ready || r[1].Machines != 2 || r[1].Granted != 2 {
		t.Fatalf("%+v", r)
	}
	lacks := strings.Join(r[1].Lacks, "; ")
	for _, want := range []string{"package Tools is not complete", "content P2 is not in"} {
		if !strings.Contains(lacks, want) {
			t.Errorf("%q lacks %q", lacks, want)
		}
	}
}

// TestReadyWithoutBootImage: what only running clients can run is ready where it is
// for them alone.
func TestReadyWithoutBootImage(t *testing.T) {
	for _, tt := range []struct {
		to    []string
		ready bool
	}{
		{nil, false}, {[]string{osd.ToBootMediaAndPXE}, false}, {[]string{osd.ToRunningClients}, true}, {[]string{osd.ToRunningClients, osd.ToBootMediaAndPXE}, false},
	} {
		s := ward()
		s.Advertisements[0].AvailableTo, s.Sequences[1].BootImage = tt.to, ""
		r := New(s, Local{}).Ready(func(string) bool { return true }, now)[0]
		if r.Ready != tt.ready || r.Ready == strings.Contains(strings.Join(r.Lacks, "; "), "names no boot image") {
			t.Errorf("available to %v: %+v", tt.to, r)
		}
	}
}

// TestReadyWithLine: what a box may pass on from its site is not ready, but can
// finish while the line is up; firmware boots only what the box holds.
func TestReadyWithLine(t *testing.T) {
	for _, tt := range []struct {
		remote          bool
		have            string
		ready, withLine bool
	}{
		{false, "boot", false, false}, {true, "boot", false, true}, {true, "tools", false, false}, {true, "boot tools", true, false},
	} {
		s := ward()
		s.Advertisements[1].RemoteDistributionPoint = tt.remote
		s.Sequences[0].Content = []string{"P1"}
		s.Packages = []osd.Package{{Meta: osd.Meta{ID: "P1", Name: "Tools"}, Content: osd.Content{Manifest: "tools"}}}
		r := New(s, Local{}).Ready(func(m string) bool { return slices.Contains(strings.Fields(tt.have), m) }, now)
		if r[1].Ready != tt.ready || r[1].WithLine != tt.withLine {
			t.Errorf("%+v: %+v", tt, r[1])
		}
	}
}

// TestExplainOptions says what an advertisement chooses.
func TestExplainOptions(t *testing.T) {
	hidden := false
	for want, a := range map[string]osd.Advertisement{
		"applied while it is fetched": {},
		"downloaded":                  {Content: osd.ContentDownload},
		"from the site":               {RemoteDistributionPoint: true},
		"no steps":                    {ShowProgress: &hidden},
		"wakes it":                    {WakeOnLAN: true},
	} {
		if got := strings.Join(options(&a), "; "); !strings.Contains(got, want) {
			t.Errorf("%s: %q", want, got)
		}
	}
}

// TestWarningsOnce: collections that ask for a class that nobody knows are told of
// in one line.
func TestWarningsOnce(t *testing.T) {
	s := ward()
	for _, name := range []string{"Toasters", "Toasters too"} {
		s.Collections = append(s.Collections, osd.Collection{Meta: osd.Meta{Name: name}, Queries: []osd.QueryRule{{Query: "SELECT * FROM SMS_G_System_TOASTER"}}})
	}
	d := Evaluate(s, Machine{MACs: []string{mac1}}, History{StateID: "state"}, now)
	if all := strings.Join(d.Why, "\n"); strings.Count(all, "TOASTER is not known") != 1 || !strings.Contains(all, "collections Toasters, Toasters too: class") {
		t.Errorf("reasons: %s", all)
	}
}
