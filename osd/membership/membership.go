// Package membership decides which collections hold a machine: direct members,
// query rules, included, excluded and limiting collections (guide, tables 18
// and 38). The same code decides at the site and at a box that is cut off.
//
// It looks at one machine at a time, so membership of a machine never depends
// on other machines. Collections that depend on each other in a circle, or on
// one that does not exist, hold nobody: a warning says so.
package membership

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/query"
)

// Machine is one machine as collections look at it.
type Machine struct {
	// Computer is nil for a machine that the site does not know.
	Computer *osd.Computer
	Record   inventory.Record
}

// Frozen is who fitted the queries of a collection with an update schedule when
// it was updated last.
type Frozen struct {
	At      time.Time `json:"at"`
	Members []string  `json:"members,omitempty"` // IDs of computers
}

// Warning is something that an administrator should hear of a collection.
type Warning struct {
	Collection string `json:"collection"`
	Text       string `json:"text"`
}

// Rules are the collections of a site, prepared. They are not changed after New
// and may be used concurrently.
type Rules struct {
	byName   map[string]*rule
	names    []string // sorted
	warnings []Warning
}

type rule struct {
	osd.Collection
	members map[string]bool // names
	queries []*query.Query
	frozen  *Frozen
	fitted  map[string]bool // IDs, of frozen
	broken  string          // why it holds nobody
}

// New prepares collections. The built-in ones are always there.
func New(collections []osd.Collection, frozen map[string]Frozen) *Rules {
	r := &Rules{byName: map[string]*rule{}}
	for _, name := range []string{osd.AllSystems, osd.UnknownComputers} {
		r.byName[name] = &rule{Collection: osd.Collection{Meta: osd.Meta{Name: name}}}
	}
	for _, c := range collections {
		r.byName[c.Name] = r.prepare(c, frozen)
	}
	for name := range r.byName {
		r.names = append(r.names, name)
	}
	slices.Sort(r.names)
	r.findBroken()
	return r
}

func (r *Rules) prepare(c osd.Collection, frozen map[string]Frozen) *rule {
	p := &rule{Collection: c, members: map[string]bool{}}
	for _, m := range c.Members {
		p.members[m] = true
	}
	for _, q := range c.Queries {
		parsed, err := query.Parse(q.Query)
		if err != nil {
			r.warn(c.Name, "query %q holds nobody: %v", q.Name, err)
			continue
		}
		for _, w := range parsed.Warnings(query.Known) {
			r.warn(c.Name, "query %q: %s", q.Name, w)
		}
		p.queries = append(p.queries, parsed)
	}
	if f, ok := frozen[c.Name]; ok && c.Update != nil {
		p.frozen, p.fitted = &f, map[string]bool{}
		for _, id := range f.Members {
			p.fitted[id] = true
		}
	}
	return p
}

func (r *Rules) warn(collection, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{collection, fmt.Sprintf(format, args...)})
}

// Warnings lists what is wrong with the collections themselves.
func (r *Rules) Warnings() []Warning { return r.warnings }

// Set is the collections that hold one machine.
type Set struct {
	names    []string
	Warnings []Warning // of queries that could not be evaluated for it
}

// Has says whether a collection holds the machine.
func (s Set) Has(collection string) bool {
	_, ok := slices.BinarySearch(s.names, collection)
	return ok
}

// Names lists the collections by name. The list must not be changed.
func (s Set) Names() []string { return s.names }

// Of says which collections hold a machine at a time.
func (r *Rules) Of(m Machine, now time.Time) Set {
	e := &evaluation{rules: r, machine: m, now: now, known: make(map[string]bool, len(r.names))}
	for _, name := range r.names {
		if e.holds(name) {
			e.set.names = append(e.set.names, name)
		}
	}
	return e.set
}

// evaluation is one machine held against every rule.
type evaluation struct {
	rules   *Rules
	machine Machine
	now     time.Time
	source  *query.Computer
	known   map[string]bool
	set     Set
}

// holds terminates: rules that depend on each other in a circle are broken.
func (e *evaluation) holds(name string) bool {
	if answer, ok := e.known[name]; ok {
		return answer
	}
	answer := e.decide(e.rules.byName[name])
	e.known[name] = answer
	return answer
}

func (e *evaluation) decide(p *rule) bool {
	c := e.machine.Computer
	switch {
	case p == nil || p.broken != "" || c != nil && c.Obsolete:
		return false
	case p.Name == osd.UnknownComputers:
		return c == nil || c.Provisional
	case p.Name == osd.AllSystems:
		return c != nil
	case p.LimitTo != "" && !e.holds(p.LimitTo):
		return false
	case slices.ContainsFunc(p.Exclude, e.holds):
		return false
	}
	return c != nil && (p.members[c.Name] || e.fits(p)) || slices.ContainsFunc(p.Include, e.holds)
}

// fits holds the machine against the queries, or against what they gave when
// the collection was updated last, if its schedule says that this still counts.
func (e *evaluation) fits(p *rule) bool {
	if p.frozen != nil && !Due(&p.Collection, p.frozen.At, e.now) {
		return p.fitted[e.machine.Computer.ID]
	}
	return slices.ContainsFunc(p.queries, func(q *query.Query) bool {
		fits, warnings := q.Matches(e.facts())
		for _, w := range warnings {
			e.set.Warnings = append(e.set.Warnings, Warning{p.Name, fmt.Sprint(w)})
		}
		return fits
	})
}

func (e *evaluation) facts() *query.Computer {
	if e.source == nil {
		c := e.machine.Computer
		e.source = &query.Computer{Name: c.Name, ID: c.ID, SMBIOSGUID: c.SMBIOSGUID, MACs: c.MACs,
			IPAddresses: e.machine.Record.IPAddresses, Obsolete: c.Obsolete, Unknown: c.Provisional, Box: c.Box, Facts: e.machine.Record.Machine}
	}
	return e.source
}

// Due says whether the schedule of a collection asks for an update that has
// not been made since the last one.
func Due(c *osd.Collection, last, now time.Time) bool {
	if c.Update == nil {
		return false
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	at, ok := c.Update.Last(now, zone)
	return ok && at.After(last)
}

// findBroken marks the rules that stand in a circle or lean on one that does
// not exist, and those that lean on such a rule.
func (r *Rules) findBroken() {
	state := map[string]int{} // 1: on the path, 2: done
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		p := r.byName[name]
		state[name] = 1
		path = append(path, name)
		for _, to := range leansOn(p) {
			switch {
			case r.byName[to] == nil:
				p.broken = fmt.Sprintf("it names collection %q, which does not exist", to)
			case state[to] == 1:
				r.circle(path[slices.Index(path, to):])
			case state[to] == 0:
				visit(to, path)
			}
			if b := r.byName[to]; b != nil && b.broken != "" && p.broken == "" {
				p.broken = fmt.Sprintf("collection %q, which it names, holds nobody", to)
			}
		}
		state[name] = 2
	}
	for _, name := range r.names {
		if state[name] == 0 {
			visit(name, nil)
		}
	}
	for _, name := range r.names {
		if p := r.byName[name]; p.broken != "" {
			r.warn(name, "it holds nobody: %s", p.broken)
		}
	}
}

func (r *Rules) circle(names []string) {
	text := "collections name each other in a circle: " + strings.Join(append(slices.Clone(names), names[0]), " → ")
	for _, name := range names {
		r.byName[name].broken = text
	}
}

func leansOn(p *rule) []string {
	all := slices.Concat(p.Include, p.Exclude)
	if p.LimitTo != "" {
		all = append(all, p.LimitTo)
	}
	return all
}
