package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const (
	mac1 = "52:54:00:00:00:01"
	mac2 = "52:54:00:00:00:02"
	guid = "33221100-5544-7766-8899-aabbccddeeff"
)

// ward is a snapshot with two computers, one mandatory destructive sequence for
// both, and one that is available to everybody and destroys nothing.
func ward() *Snapshot {
	meta := func(id, name string) osd.Meta { return osd.Meta{ID: id, Name: name} }
	grant := func(id, computer string) SignedGrant {
		return SignedGrant{Grant: Grant{ID: id, Computer: computer, Advertisement: "A1", Sequence: "sha256:s1", StateID: "state", IssuedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour)}}
	}
	return &Snapshot{
		Format: Format, IssuedAt: now.Add(-time.Hour),
		Computers: []osd.Computer{
			{Meta: meta("C1", "pc-1"), MACs: []string{mac1}, SMBIOSGUID: guid},
			{Meta: meta("C2", "pc-2"), MACs: []string{strings.ToUpper(mac2)}},
		},
		Collections: []osd.Collection{{Meta: meta("K1", "Ward"), Members: []string{"pc-1", "pc-2"}}},
		Advertisements: []osd.Advertisement{
			{Meta: meta("A2", "Inventory"), Collection: osd.UnknownComputers, Sequence: "Look"},
			{Meta: meta("A1", "Ward PCs"), Collection: "Ward", Sequence: "Wipe", Mandatory: []string{osd.AsSoonAsPossible}},
		},
		Sequences: []Sequence{
			{ID: "S1", Name: "Wipe", Digest: "sha256:s1", BootImage: "B1", Destructive: true},
			{ID: "S2", Name: "Look", Digest: "sha256:s2", BootImage: "B1"},
		},
		BootImages: []osd.BootImage{{Meta: meta("B1", "Boot"), Content: osd.Content{Manifest: "boot"}}},
		Grants:     []SignedGrant{grant("G1", "C1"), grant("G2", "C2")},
	}
}

func moment(t time.Time) osd.Moment { return osd.Moment(t.Format(time.RFC3339)) }

// later gives the mandatory advertisement an assignment of an hour ago.
func later(r osd.Rerun) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Advertisements[1].Rerun = r
		s.Advertisements[1].Mandatory = []string{osd.AsSoonAsPossible, now.Add(-time.Hour).Format(time.RFC3339)}
	}
}

// agentless takes the agent out of the boot image, and from 1 on also the disk out
// of the sequence and the assignment out of the advertisement.
func agentless(harmless int) func(*Snapshot) {
	return func(s *Snapshot) {
		s.BootImages[0].Agent = osd.AgentNone
		if harmless > 0 {
			s.Sequences[0].Destructive, s.Advertisements[1].Mandatory = false, nil
		}
	}
}

func TestEvaluate(t *testing.T) {
	fresh := History{StateID: "state"}
	ran := func(r Run) History { return History{StateID: "state", Runs: map[string]Run{"A1": r}} }
	tests := []struct {
		name    string
		change  func(*Snapshot)
		machine Machine
		history History
		grant   string // ID of the grant of the mandatory offer; "" is none
		offers  int
		why     string // part of conflict, refusal or reason
	}{
		{"by MAC", nil, Machine{MACs: []string{mac2}}, fresh, "G2", 1, "computer pc-2"},
		{"by MAC in another notation", nil, Machine{MACs: []string{"52-54-00-00-00-01"}}, fresh, "G1", 1, "computer pc-1"},
		{"by GUID", nil, Machine{SMBIOSGUID: strings.ToUpper(guid)}, fresh, "G1", 1, "computer pc-1"},
		{"GUID of zeros is none", nil, Machine{MACs: []string{mac1}, SMBIOSGUID: "00000000-0000-0000-0000-000000000000"}, fresh, "G1", 1, "computer pc-1"},
		{"MAC and GUID of one", nil, Machine{MACs: []string{mac1}, SMBIOSGUID: guid}, fresh, "G1", 1, ""},
		{"labels of two", nil, Machine{MACs: []string{mac2}, SMBIOSGUID: guid}, fresh, "", 0, "fit computer pc-1 and computer pc-2"},
		{"two MACs of two", nil, Machine{MACs: []string{mac1, mac2}}, fresh, "", 0, "correct one of them"},
		{"MAC fits, GUID not", nil, Machine{MACs: []string{mac1}, SMBIOSGUID: "00000000-0000-0000-0000-000000000001"}, fresh, "", 0, "the machine says"},
		{"same MAC twice in policy", func(s *Snapshot) { s.Computers[1].MACs = []string{mac1} }, Machine{MACs: []string{mac1}}, fresh, "", 0, "correct one of them"},
		{"unknown, support off", nil, Machine{MACs: []string{"52:54:00:00:00:09"}}, fresh, "", 0, "support is off"},
		{"unknown, support on", func(s *Snapshot) { s.Box.PXE.UnknownComputers = true }, Machine{MACs: []string{"52:54:00:00:00:09"}}, fresh, "", 1, "support is on"},
		{"no labels", nil, Machine{}, fresh, "", 0, "support is off"},
		{"no grant", func(s *Snapshot) { s.Grants = nil }, Machine{MACs: []string{mac1}}, fresh, "", 0, "no grant was issued"},
		{"another version", func(s *Snapshot) { s.Sequences[0].Digest = "sha256:s9" }, Machine{MACs: []string{mac1}}, fresh, "", 0, "another version"},
		{"lost state", nil, Machine{MACs: []string{mac1}}, History{StateID: "new"}, "", 0, "counts as used"},
		{"used grant", nil, Machine{MACs: []string{mac1}}, History{StateID: "state", UsedGrants: map[string]bool{"G1": true}}, "", 0, "was used"},
		{"policy at its limit", func(s *Snapshot) { s.IssuedAt = now.Add(-MaxAge) }, Machine{MACs: []string{mac1}}, fresh, "G1", 1, ""},
		{"policy too old to erase", func(s *Snapshot) { s.IssuedAt = now.Add(-MaxAge - time.Second) }, Machine{MACs: []string{mac1}}, fresh, "", 0, "45 days old"},
		{"policy too old, nothing destroyed", func(s *Snapshot) { s.IssuedAt, s.Sequences[0].Destructive = now.Add(-MaxAge-time.Second), false }, Machine{MACs: []string{mac1}}, fresh, "", 1, ""},
		{"old grant", func(s *Snapshot) { s.Grants[0].ExpiresAt = now }, Machine{MACs: []string{mac1}}, fresh, "", 0, "ended at"},
		{"clock before the grant", func(s *Snapshot) { s.Grants[0].IssuedAt = now.Add(48 * time.Hour) }, Machine{MACs: []string{mac1}}, fresh, "", 0, "stands before"},
		{"running", nil, Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Open: true}), "", 0, "still running"},
		{"ran before", nil, Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Succeeded: true, Opened: now}), "", 0, "rerun behaviour is never"},
		{"ran for its assignment, rerun always", func(s *Snapshot) { s.Advertisements[1].Rerun = osd.RerunAlways }, Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Opened: now}), "", 0, "runs once"},
		{"a later assignment, rerun always, grant left", later(osd.RerunAlways), Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Succeeded: true, Opened: now.Add(-2 * time.Hour)}), "G1", 1, ""},
		{"a later assignment, rerun never", later(osd.RerunNever), Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Opened: now.Add(-2 * time.Hour)}), "", 0, "is never"},
		{"failed, a later assignment, rerun if failed", later(osd.RerunIfFailed), Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Opened: now.Add(-2 * time.Hour)}), "G1", 1, ""},
		{"succeeded, rerun if failed", func(s *Snapshot) { s.Advertisements[1].Rerun = osd.RerunIfFailed }, Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Succeeded: true}), "", 0, "ifFailed"},
		{"not due", func(s *Snapshot) { s.Advertisements[1].Mandatory = []string{"2026-06-01T12:00:01Z"} }, Machine{MACs: []string{mac1}}, fresh, "", 0, "no mandatory assignment is due"},
		{"not open", func(s *Snapshot) { s.Advertisements[1].Start = moment(now.Add(time.Second)) }, Machine{MACs: []string{mac1}}, fresh, "", 0, "starts at"},
		{"expired", func(s *Snapshot) { s.Advertisements[1].Expires = moment(now) }, Machine{MACs: []string{mac1}}, fresh, "", 0, "expired at"},
		{"no such sequence", func(s *Snapshot) { s.Advertisements[1].Sequence = "x" }, Machine{MACs: []string{mac1}}, fresh, "", 0, "not in this box's policy"},
		{"no boot image", func(s *Snapshot) { s.Sequences[0].BootImage = "" }, Machine{MACs: []string{mac1}}, fresh, "", 0, "sequence Wipe names no boot image"},
		{"no agent, erases", agentless(0), Machine{MACs: []string{mac1}}, fresh, "", 0, "nobody claims a grant in it"},
		{"no agent, mandatory", func(s *Snapshot) { agentless(0)(s); s.Sequences[0].Destructive = false }, Machine{MACs: []string{mac1}}, fresh, "", 0, "nothing can be mandatory in it"},
		{"no agent, available", agentless(1), Machine{MACs: []string{mac1}}, fresh, "", 1, "computer pc-1"},
		{"no agent, was handed out", agentless(1), Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Succeeded: true, Opened: now}), "", 0, "the machine has run it before (job j)"},
		{"no agent, again", func(s *Snapshot) { agentless(1)(s); s.Advertisements[1].Rerun = osd.RerunAlways }, Machine{MACs: []string{mac1}}, ran(Run{Job: "j", Succeeded: true, Opened: now}), "", 1, ""},
		{"no boot image, chosen by a person", func(s *Snapshot) { s.Advertisements[1].Mandatory, s.Sequences[0].BootImage = nil, "" }, Machine{MACs: []string{mac1}}, fresh, "", 0, "names no boot image"},
		{"not a member", func(s *Snapshot) { s.Collections[0].Members = []string{"pc-2"} }, Machine{MACs: []string{mac1}}, fresh, "", 0, "not in collection Ward"},
		{"all systems", func(s *Snapshot) { s.Advertisements[1].Collection = osd.AllSystems }, Machine{MACs: []string{mac1}}, fresh, "G1", 1, ""},
		{"mandatory for unknown computers is only offered", func(s *Snapshot) {
			s.Box.PXE.UnknownComputers = true
			s.Advertisements[1].Collection = osd.UnknownComputers
		}, Machine{MACs: []string{"52:54:00:00:00:09"}}, fresh, "", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := ward()
			if tt.change != nil {
				tt.change(s)
			}
			d := Evaluate(s, tt.machine, tt.history, now)
			words := []string{d.Conflict, strings.Join(d.Why, "; ")}
			for _, r := range d.Refusals {
				words = append(words, r.Why)
			}
			if !strings.Contains(strings.Join(words, "; "), tt.why) {
				t.Errorf("reasons %q lack %q", words, tt.why)
			}
			if len(d.Offers) != tt.offers {
				t.Errorf("%d offers, want %d", len(d.Offers), tt.offers)
			}
			got := ""
			if m := d.Mandatory(); m != nil && m.Grant != nil {
				got = m.Grant.ID
			}
			if got != tt.grant {
				t.Errorf("grant %q, want %q", got, tt.grant)
			}
			if m := d.Mandatory(); m != nil && m.Sequence.Destructive && m.Grant == nil {
				t.Error("a destructive sequence is mandatory without a grant")
			}
		})
	}
}

// TestOrder: what starts by itself comes first, then the priority decides, then
// the earlier time, then the ID, whatever the order of the snapshot.
func TestOrder(t *testing.T) {
	s := ward()
	add := func(id string, p osd.Priority, start osd.Moment, mandatory ...string) {
		s.Advertisements = append(s.Advertisements, osd.Advertisement{Meta: osd.Meta{ID: id, Name: id}, Collection: "Ward", Sequence: "Look", Priority: p, Start: start, Mandatory: mandatory})
	}
	add("B5", "", "")
	add("B4", osd.PriorityHigh, "")
	add("B3", "", moment(now.Add(-time.Hour)))
	add("B0", osd.PriorityLow, "", osd.AsSoonAsPossible)
	add("B2", "", "", now.Add(-time.Minute).Format(time.RFC3339))
	add("A9", "", "", osd.AsSoonAsPossible)
	var got []string
	for _, o := range Evaluate(s, Machine{MACs: []string{mac1}}, History{StateID: "state"}, now).Offers {
		got = append(got, o.Advertisement.ID)
	}
	if want := "A1 A9 B2 B0 B4 B5 B3"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestForeign: what is not for the machine is told apart from what it only
// does not get now.
func TestForeign(t *testing.T) {
	s := ward()
	s.Grants = nil
	for _, r := range Evaluate(s, Machine{MACs: []string{mac1}}, History{StateID: "state"}, now).Refusals {
		if r.Foreign != (r.Advertisement == "Inventory") {
			t.Errorf("%+v", r)
		}
	}
}
