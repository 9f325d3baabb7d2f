package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
)

// Machine is how a machine names itself, labels and not proof, and how it asks.
type Machine struct {
	MACs       []string // any notation
	SMBIOSGUID string   // any notation, or empty
	// SerialNumber is empty if the machine did not say one, as at PXE.
	SerialNumber string
	// Facts are what it said of itself just now; nil if it said nothing.
	Facts *inventory.Record
	// Where is osd.ToBootMediaAndPXE, which is meant when it is empty, or
	// osd.ToRunningClients.
	Where string
	// Event is osd.AtLogon, osd.AtLogoff or empty.
	Event string
}

// Local is what a box knows beside its policy: machines that became known by
// their jobs, and what machines said of themselves.
type Local struct {
	Computers []osd.Computer
	Inventory map[string]inventory.Record // by ID of the computer
	// Confirmed are IDs of computers that policy still calls provisional, and whose
	// job has succeeded here.
	Confirmed map[string]bool
}

// Evaluator decides from one snapshot. It is prepared once and may be used
// concurrently; the snapshot must not change meanwhile.
type Evaluator struct {
	s         *Snapshot
	computers []osd.Computer
	byMAC     map[string][]int
	byGUID    map[string][]int
	byName    map[string]int   // lower case
	grants    map[string][]int // by ID of the computer, in the order of the snapshot
	holders   map[string]int   // computers that hold grants, by ID of the advertisement
	rules     *membership.Rules
	inventory map[string]inventory.Record
}

// New prepares a snapshot. A local computer whose labels the snapshot knows is
// passed over: the site has merged it. One whose name belongs to another computer
// gets a suffix, as at the site: collections name their members.
func New(s *Snapshot, l Local) *Evaluator {
	e := &Evaluator{s: s, byMAC: map[string][]int{}, byGUID: map[string][]int{}, byName: map[string]int{},
		rules: membership.New(s.Collections, s.Frozen), inventory: map[string]inventory.Record{}}
	for _, c := range s.Computers {
		c.Provisional = c.Provisional && !l.Confirmed[c.ID]
		e.add(c)
	}
	e.indexGrants()
	for id, r := range s.Inventory {
		e.inventory[id] = r
	}
	for id, r := range l.Inventory {
		if r.Time.After(e.inventory[id].Time) {
			e.inventory[id] = r
		}
	}
	for _, c := range l.Computers {
		if e.Merged(c) == nil {
			c.Name = osd.FreeName(c.Name, func(name string) bool { return e.NameTaken(name, nil) })
			e.add(c)
		}
	}
	return e
}

// indexGrants is done once: a box asks for each packet.
func (e *Evaluator) indexGrants() {
	e.grants, e.holders = map[string][]int{}, map[string]int{}
	for i := range e.s.Grants {
		g := &e.s.Grants[i]
		same := func(other int) bool { return e.s.Grants[other].Advertisement == g.Advertisement }
		if !slices.ContainsFunc(e.grants[g.Computer], same) {
			e.holders[g.Advertisement]++
		}
		e.grants[g.Computer] = append(e.grants[g.Computer], i)
	}
}

// Grants lists the grants of a computer; a machine that is not known has none.
func (e *Evaluator) Grants(c *osd.Computer) []*SignedGrant {
	if c == nil {
		return nil
	}
	var all []*SignedGrant
	for _, i := range e.grants[c.ID] {
		all = append(all, &e.s.Grants[i])
	}
	return all
}

// Snapshot is the policy that is evaluated. It must not be changed.
func (e *Evaluator) Snapshot() *Snapshot { return e.s }

// Warnings lists what is wrong with the collections.
func (e *Evaluator) Warnings() []membership.Warning { return e.rules.Warnings() }

// Merged is the computer that has a label of c already, or nil.
func (e *Evaluator) Merged(c osd.Computer) *osd.Computer {
	for _, i := range e.matching(c.MACs, c.SMBIOSGUID) {
		return &e.computers[i]
	}
	return nil
}

func (e *Evaluator) add(c osd.Computer) {
	i := len(e.computers)
	e.computers = append(e.computers, c)
	e.byName[strings.ToLower(c.Name)] = i
	if c.Obsolete {
		return
	}
	if g := e.s.Settings.GUID(c.SMBIOSGUID); g != "" {
		e.byGUID[g] = append(e.byGUID[g], i)
	}
	for _, a := range c.MACs {
		if m, err := osd.NormalizeMAC(a); err == nil && !e.s.Settings.Shared(m) {
			e.byMAC[m] = append(e.byMAC[m], i)
		}
	}
}

// matching lists the computers that have one of the labels, each once.
func (e *Evaluator) matching(macs []string, guid string) []int {
	var found []int
	if g := e.s.Settings.GUID(guid); g != "" {
		found = append(found, e.byGUID[g]...)
	}
	for _, a := range macs {
		if m, err := osd.NormalizeMAC(a); err == nil && !e.s.Settings.Shared(m) {
			found = append(found, e.byMAC[m]...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Identify finds the computer by GUID and by MAC. Labels that point to
// different computers are a conflict: the machine then gets nothing. Addresses
// of docks and dongles, and obsolete computers, identify nobody.
func (e *Evaluator) Identify(m Machine) (c *osd.Computer, conflict string) {
	found := e.matching(m.MACs, m.SMBIOSGUID)
	if len(found) == 0 {
		return nil, ""
	}
	c = &e.computers[found[0]]
	if len(found) > 1 {
		return nil, fmt.Sprintf("the labels of the machine fit computer %s and computer %s; correct one of them at the site", c.Name, e.computers[found[1]].Name)
	}
	if conflict = Contradiction(c, e.inventory[c.ID], m, &e.s.Settings); conflict != "" {
		return nil, conflict
	}
	return c, ""
}

// Computer finds a computer by name, in any case, or by ID; nil if there is none.
func (e *Evaluator) Computer(nameOrID string) *osd.Computer {
	if i, ok := e.byName[strings.ToLower(nameOrID)]; ok {
		return &e.computers[i]
	}
	i := slices.IndexFunc(e.computers, func(c osd.Computer) bool { return c.ID != "" && c.ID == nameOrID })
	if i < 0 {
		return nil
	}
	return &e.computers[i]
}

// Computers lists all computers that are not obsolete.
func (e *Evaluator) Computers() []*osd.Computer {
	var all []*osd.Computer
	for i := range e.computers {
		if !e.computers[i].Obsolete {
			all = append(all, &e.computers[i])
		}
	}
	return all
}

// Record is what is known of a computer; the zero value if nothing is.
func (e *Evaluator) Record(c *osd.Computer) inventory.Record {
	if c == nil {
		return inventory.Record{}
	}
	return e.inventory[c.ID]
}

// Collections says which collections hold a computer; nil is a machine that is
// not known.
func (e *Evaluator) Collections(c *osd.Computer, facts *inventory.Record, now time.Time) membership.Set {
	m := membership.Machine{Computer: c, Record: e.Record(c)}
	if facts != nil {
		m.Record = *facts
	}
	return e.rules.Of(m, now)
}

// Members lists the computers of a collection, in the order of the snapshot.
func (e *Evaluator) Members(collection string, now time.Time) []*osd.Computer {
	var all []*osd.Computer
	for _, c := range e.Computers() {
		if e.Collections(c, nil, now).Has(collection) {
			all = append(all, c)
		}
	}
	return all
}
