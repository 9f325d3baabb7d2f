package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
)

// TestIdentity: what fits is believed, unless what was recorded of that very
// hardware stands against it.
func TestIdentity(t *testing.T) {
	const (
		mac, other, dock = "52:54:00:00:00:01", "52:54:00:00:00:02", "00:50:b6:00:00:01"
		g1, g2           = "4c4c4544-0042-3510-8052-b4c04f4d0001", "4c4c4544-0042-3510-8052-b4c04f4d0002"
	)
	record := func(serial, uuid string, macs ...string) inventory.Record {
		r := inventory.Record{Time: time.Unix(1, 0), Machine: inventory.Machine{SerialNumber: serial, UUID: uuid}}
		for _, m := range macs {
			r.Adapters = append(r.Adapters, inventory.NIC{MAC: m})
		}
		return r
	}
	byBoth := osd.Computer{Meta: osd.Meta{ID: "C1", Name: "pc1"}, MACs: []string{mac}, SMBIOSGUID: g1}
	byGUID := osd.Computer{Meta: osd.Meta{ID: "C1", Name: "pc1"}, SMBIOSGUID: g1}
	byMAC := osd.Computer{Meta: osd.Meta{ID: "C1", Name: "pc1"}, MACs: []string{mac}}
	says := func(serial, guid string, macs ...string) Machine {
		return Machine{SerialNumber: serial, SMBIOSGUID: guid, MACs: macs}
	}
	for _, tt := range []struct {
		name     string
		c        osd.Computer
		known    inventory.Record
		m        Machine
		conflict string // "" that it is the computer
	}{
		{"the same", byBoth, record("S1", g1, mac), says("S1", g1, mac), ""},
		{"serial in other case", byBoth, record("s1", g1, mac), says("S1", g1, other), ""},
		{"at PXE it says no serial", byBoth, record("S1", g1, mac), says("", g1, other), ""},
		{"never seen before", byBoth, inventory.Record{}, says("S2", g1, other), ""},
		{"a second network card", byBoth, record("S1", g1, mac), says("S1", g1, other), ""},
		{"GUID of another machine", byBoth, record("S1", g1, mac), says("S2", g1, other), "two machines with one GUID"},
		{"GUID of another machine, known by GUID alone", byGUID, record("S1", g1, mac), says("S2", g1, other), "two machines with one GUID"},
		{"GUID of another machine, one dock", byBoth, record("S1", g1, mac, dock), says("S2", g1, other, dock), "two machines with one GUID"},
		{"serial programmed anew", byBoth, record("S1", g1, mac), says("S2", g1, mac), ""},
		{"MAC of another machine", byBoth, record("S1", g1, mac), says("S2", g2, mac), "SMBIOS GUID is"},
		{"GUID replaced at the site", byGUID, record("S1", g2, mac), says("S2", g1, other), ""},
		{"a dongle moved", byMAC, record("S1", g1, mac), says("S2", g2, mac), "a network card that moved"},
		{"MAC replaced at the site", byMAC, record("S1", g1, other), says("S2", g2, mac), ""},
		{"one MAC, no GUIDs", byMAC, record("S1", "", mac), says("S2", "", mac), "a network card that moved"},
		{"known by MAC, one GUID", byMAC, record("S1", g1, mac), says("S2", g1, mac), ""},
		{"GUID entered after a new motherboard", byBoth, record("S1", g2, mac), says("S2", g1, mac), ""},
	} {
		s := &Snapshot{Settings: osd.SiteSettings{SharedMACs: []string{"00:50:b6"}}, Computers: []osd.Computer{tt.c},
			Inventory: map[string]inventory.Record{"C1": tt.known}}
		c, conflict := New(s, Local{}).Identify(tt.m)
		if (c == nil) != (tt.conflict != "") || tt.conflict == "" && conflict != "" || !strings.Contains(conflict, tt.conflict) {
			t.Errorf("%s: %v, %q, want %q", tt.name, c, conflict, tt.conflict)
		}
		facts := tt.m
		facts.Facts, facts.SerialNumber = &inventory.Record{Machine: inventory.Machine{SerialNumber: tt.m.SerialNumber}}, ""
		if _, again := New(s, Local{}).Identify(facts); again != conflict {
			t.Errorf("%s: by its facts %q", tt.name, again)
		}
	}
}

// TestSharedGUIDs: they identify nobody, neither alone nor against each other.
func TestSharedGUIDs(t *testing.T) {
	const guid, mac1, mac2 = "03000200-0400-0500-0006-000700080009", "52:54:00:00:00:01", "52:54:00:00:00:02"
	s := &Snapshot{Settings: osd.SiteSettings{SharedGUIDs: []string{guid}}, Computers: []osd.Computer{
		{Meta: osd.Meta{ID: "C1", Name: "pc1"}, MACs: []string{mac1}, SMBIOSGUID: guid}, {Meta: osd.Meta{ID: "C2", Name: "pc2"}, MACs: []string{mac2}, SMBIOSGUID: guid}}}
	for mac, want := range map[string]string{mac1: "C1", mac2: "C2", "52:54:00:00:00:03": ""} {
		c, conflict := New(s, Local{}).Identify(Machine{MACs: []string{mac}, SMBIOSGUID: guid})
		if conflict != "" || (c == nil) != (want == "") || c != nil && c.ID != want {
			t.Errorf("%s: %+v, %q", mac, c, conflict)
		}
	}
}

// TestExplainSaysConflict: who asks why a machine gets nothing is told which two
// records stand against each other.
func TestExplainSaysConflict(t *testing.T) {
	s := &Snapshot{Box: osd.Box{PXE: osd.PXE{UnknownComputers: true}}, Computers: []osd.Computer{
		{Meta: osd.Meta{ID: "C1", Name: "pc1"}, SMBIOSGUID: "4c4c4544-0042-3510-8052-b4c04f4d0001"},
		{Meta: osd.Meta{ID: "C2", Name: "pc2"}, MACs: []string{"52:54:00:00:00:02"}}},
		Advertisements: []osd.Advertisement{{Meta: osd.Meta{ID: "A", Name: "All"}, Collection: osd.AllSystems, Sequence: "S"}}, Sequences: []Sequence{{Name: "S", BootImage: "B1"}}}
	e := New(s, Local{})
	d := e.Evaluate(Machine{SMBIOSGUID: s.Computers[0].SMBIOSGUID, MACs: s.Computers[1].MACs}, History{}, time.Now())
	x := e.Explain(&d, time.Now())
	if why := strings.Join(x.Why, ";"); len(x.Gets) != 0 || !strings.Contains(why, "pc1") || !strings.Contains(why, "pc2") {
		t.Errorf("explanation %+v", x)
	}
}

// TestLocalComputers: one whose name belongs to another computer is in none of
// that one's collections; one whose job has succeeded is provisional no longer;
// the site's record goes first.
func TestLocalComputers(t *testing.T) {
	now := time.Now()
	s := &Snapshot{Computers: []osd.Computer{{Meta: osd.Meta{ID: "C1", Name: "pc1"}, MACs: []string{"52:54:00:00:00:01"}, Provisional: true}},
		Collections: []osd.Collection{{Meta: osd.Meta{Name: "Ward"}, Members: []string{"pc1"}}}}
	local := osd.Computer{Meta: osd.Meta{ID: "local-1", Name: "PC1"}, MACs: []string{"52:54:00:00:00:09"}, Provisional: true}
	e := New(s, Local{Computers: []osd.Computer{local}, Confirmed: map[string]bool{"C1": true}})
	c, _ := e.Identify(Machine{MACs: local.MACs})
	if c == nil || c.Name != "PC1-2" || e.Collections(c, nil, now).Has("Ward") || !e.Collections(c, nil, now).Has(osd.UnknownComputers) || e.Successor(local) != nil {
		t.Errorf("local computer: %+v", c)
	}
	if c, _ = e.Identify(Machine{MACs: s.Computers[0].MACs}); c == nil || c.Provisional || !s.Computers[0].Provisional {
		t.Errorf("confirmed computer: %+v, in the snapshot %+v", c, s.Computers[0])
	}
	local.MACs = append(local.MACs, "52:54:00:00:00:01")
	e = New(s, Local{Computers: []osd.Computer{local}})
	if to := e.Successor(local); to == nil || to.ID != "C1" || e.Computer("local-1") != nil {
		t.Errorf("merged into %+v", to)
	}
}

func TestFreeName(t *testing.T) {
	taken := map[string]bool{"pc1": true, "pc1-2": true, "abcdefghijklmno": true, "abcdefghijklm-2": true, "abcdefghijkl--x": true}
	for name, want := range map[string]string{"pc2": "pc2", "pc1": "pc1-3", "abcdefghijklmno": "abcdefghijklm-3", "abcdefghijkl--x": "abcdefghijkl-2"} {
		got := osd.FreeName(name, func(n string) bool { return taken[n] })
		if got != want || osd.CheckComputerName(got) != nil {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
