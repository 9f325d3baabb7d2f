package membership

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/schedule"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func named(c osd.Collection, name string) osd.Collection {
	c.Name = name
	return c
}

func fits(text string) []osd.QueryRule { return []osd.QueryRule{{Name: "rule", Query: text}} }

const models = `SELECT SMS_R_System.ResourceId FROM SMS_R_System INNER JOIN SMS_G_System_COMPUTER_SYSTEM ON SMS_G_System_COMPUTER_SYSTEM.ResourceID = SMS_R_System.ResourceId WHERE SMS_G_System_COMPUTER_SYSTEM.Model LIKE "OptiPlex%" AND NOT SMS_R_System.Name LIKE "pc-[0-3]"`

// TestOf: each rule, and what they make together.
func TestOf(t *testing.T) {
	rules := New([]osd.Collection{
		named(osd.Collection{Members: []string{"pc-1", "pc-2"}}, "Direct"),
		named(osd.Collection{Queries: fits(models)}, "OptiPlex"),
		named(osd.Collection{Include: []string{"Direct", "OptiPlex"}}, "Both"),
		named(osd.Collection{Include: []string{"Both"}, Exclude: []string{"Direct"}}, "Rest"),
		named(osd.Collection{Include: []string{"Both"}, LimitTo: "Direct"}, "Limited"),
		named(osd.Collection{Include: []string{osd.UnknownComputers}}, "Strangers"),
		named(osd.Collection{Members: []string{"pc-1"}, Exclude: []string{"B"}}, "A"),
		named(osd.Collection{Include: []string{"C"}}, "B"),
		named(osd.Collection{LimitTo: "A"}, "C"),
		named(osd.Collection{Members: []string{"pc-1"}, Exclude: []string{"Nowhere"}}, "Leans on nothing"),
		named(osd.Collection{Members: []string{"pc-1"}, Exclude: []string{"A"}}, "Leans on a circle"),
		named(osd.Collection{Queries: fits("SELECT * FROM SMS_G_System_TOASTER WHERE Slots = 2"), Members: []string{"pc-2"}}, "Toasters"),
	}, nil)
	optiPlex := inventory.Record{Machine: inventory.Machine{Model: "OptiPlex 7010"}}
	for _, tt := range []struct {
		name string
		m    Machine
		want string
	}{
		{"member", Machine{Computer: computer("pc-1")}, "All Systems, Both, Direct, Limited"},
		{"member of a collection with an unknown class", Machine{Computer: computer("pc-2")}, "All Systems, Both, Direct, Limited, Toasters"},
		{"by query", Machine{computer("pc-9"), optiPlex}, "All Systems, Both, OptiPlex, Rest"},
		{"name excluded by the query", Machine{computer("pc-3"), optiPlex}, "All Systems"},
		{"another model", Machine{computer("pc-9"), inventory.Record{Machine: inventory.Machine{Model: "Latitude"}}}, "All Systems"},
		{"unknown", Machine{}, "Strangers, Unknown Computers"},
		{"provisional", Machine{Computer: &osd.Computer{Meta: osd.Meta{ID: "p", Name: "p"}, Provisional: true}}, "All Systems, Strangers, Unknown Computers"},
		{"obsolete", Machine{Computer: &osd.Computer{Meta: osd.Meta{ID: "1", Name: "pc-1"}, Obsolete: true}}, ""},
	} {
		if got := strings.Join(rules.Of(tt.m, now).Names(), ", "); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
	all := strings.Join(Lines(rules.Warnings()), "\n")
	for _, want := range []string{"A → B → C → A", "collections A, B, C: it holds nobody", "\"Nowhere\", which does not exist", "collection \"A\", which it names, holds nobody", "TOASTER"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning of %q in\n%s", want, all)
		}
	}
}

func computer(name string) *osd.Computer {
	return &osd.Computer{Meta: osd.Meta{ID: "CEN" + name, Name: name}}
}

// TestFrozen: until the next update of the schedule the last result counts,
// then the query; direct members count at once.
func TestFrozen(t *testing.T) {
	daily, err := schedule.Parse("daily at 02:00")
	if err != nil {
		t.Fatal(err)
	}
	c := named(osd.Collection{Queries: fits("SELECT * FROM SMS_R_System WHERE Name = 'new'"), Members: []string{"direct"}, Update: &daily}, "Nightly")
	for _, tt := range []struct {
		at   time.Time // of the last update
		name string
		in   bool
	}{
		{now.Add(-time.Hour), "new", false},
		{now.Add(-time.Hour), "old", true},
		{now.Add(-time.Hour), "direct", true},
		{now.Add(-24 * time.Hour), "new", true},
		{now.Add(-24 * time.Hour), "old", false},
	} {
		rules := New([]osd.Collection{c}, map[string]Frozen{"Nightly": {At: tt.at, Members: []string{"CENold"}}})
		if got := rules.Of(Machine{Computer: computer(tt.name)}, now).Has("Nightly"); got != tt.in {
			t.Errorf("updated %s, %s: %v", tt.at, tt.name, got)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	var all []osd.Collection
	for i := range 100 {
		all = append(all, named(osd.Collection{Queries: fits(models), Exclude: []string{"Ward 0"}}, fmt.Sprintf("Ward %d", i+1)))
	}
	rules := New(append(all, named(osd.Collection{Members: []string{"x"}}, "Ward 0")), nil)
	m := Machine{computer("pc-9"), inventory.Record{Machine: inventory.Machine{Model: "OptiPlex 7010"}}}
	for b.Loop() {
		if !rules.Of(m, now).Has("Ward 50") {
			b.Fatal("not a member")
		}
	}
}
