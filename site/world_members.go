package site

import (
	"sync"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/membership"
)

// members are the computers of each collection, found when they are first asked
// for.
type members struct {
	once sync.Once
	by   map[string][]*osd.Computer
	of   map[string][]string // the other way round, by name of the computer
	warn []membership.Warning
}

// members lists the computers of a collection by name.
func (w world) members(c *osd.Collection) []*osd.Computer {
	w.memberList.find(w)
	return w.memberList.by[c.Name]
}

// collectionsOf names the collections that hold a computer.
func (w world) collectionsOf(computer string) []string {
	w.memberList.find(w)
	return w.memberList.of[computer]
}

// warnings lists what is wrong with the collections.
func (w world) warnings() []membership.Warning {
	w.memberList.find(w)
	return w.memberList.warn
}

func (m *members) find(w world) {
	m.once.Do(func() {
		m.by, m.of = map[string][]*osd.Computer{}, map[string][]string{}
		rules := membership.New(deref(all[*osd.Collection](w, osd.KindCollection)), w.frozen)
		m.warn = rules.Warnings()
		for _, c := range all[*osd.Computer](w, osd.KindComputer) {
			m.of[c.Name] = rules.Of(membership.Machine{Computer: c, Record: w.inventory[c.ID]}, w.now).Names()
			for _, name := range m.of[c.Name] {
				m.by[name] = append(m.by[name], c)
			}
		}
	})
}

func deref[T any](all []*T) []T {
	out := make([]T, 0, len(all))
	for _, p := range all {
		out = append(out, *p)
	}
	return out
}
