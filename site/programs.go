package site

import (
	"fmt"
	"slices"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// Programs of packages, which sequences name, and which variables list for them: of sequences,
// collections and computers.

// lists are the bases of the lists that sequences install.
func (w world) lists() []string {
	var out []string
	for _, q := range all[*sequence.Sequence](w, osd.KindTaskSequence) {
		out = append(out, q.Lists()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// programs are the programs that an object names, in lists with one of the bases among them.
// Packages that exist have their names.
func (w world) programs(o osd.Object, bases []string) []sequence.ProgramUse {
	var uses []sequence.ProgramUse
	switch o := o.(type) {
	case *sequence.Sequence:
		uses = append(o.Programs(), sequence.ListUses(bases, o.Settings())...)
	case *osd.Collection:
		uses = sequence.ListUses(bases, sequence.VariableSettings(o.Variables))
	case *osd.Computer:
		uses = sequence.ListUses(bases, sequence.VariableSettings(o.Variables))
	}
	for i := range uses {
		if p := w.find(osd.KindPackage, uses[i].Package); p != nil {
			uses[i].Package = p.ObjectName()
		}
	}
	return uses
}

// allReferences lists what an object names: also the packages of lists, which references does not know.
func (w world) allReferences(o osd.Object, bases []string) []sequence.Reference {
	refs := references(o)
	for _, use := range w.programs(o, bases) {
		known := func(r sequence.Reference) bool { return r.Kind == osd.KindPackage && r.Name == use.Package }
		if !slices.ContainsFunc(refs, known) {
			refs = append(refs, sequence.Reference{Kind: osd.KindPackage, Name: use.Package, Field: use.Field})
		}
	}
	return refs
}

// listed are the packages that lists of a sequence name: in the sequence itself, and in variables.
func (w world) listed(q *sequence.Sequence, variables ...map[string]string) []osd.Object {
	bases := q.Lists()
	if len(bases) == 0 {
		return nil
	}
	set := q.Settings()
	for _, v := range variables {
		set = append(set, sequence.VariableSettings(v)...)
	}
	var out []osd.Object
	for _, use := range sequence.ListUses(bases, set) {
		if p := w.find(osd.KindPackage, use.Package); p != nil && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// variablesOf are those of computers, and of the collections that they are in.
func (w world) variablesOf(computers []*osd.Computer) []map[string]string {
	var out []map[string]string
	var seen []string
	for _, c := range computers {
		out = append(out, c.Variables)
		for _, name := range w.collectionsOf(c.Name) {
			if k := w.collection(name); k != nil && len(k.Variables) > 0 && !slices.Contains(seen, name) {
				seen, out = append(seen, name), append(out, k.Variables)
			}
		}
	}
	return out
}

// variablesAt are the variables that machines at a box may get: those of its computers, and those
// of every collection, since a machine may come into it.
func (w world) variablesAt(here map[string]bool) []map[string]string {
	var out []map[string]string
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		if here[c.Name] && len(c.Variables) > 0 {
			out = append(out, c.Variables)
		}
	}
	for _, c := range all[*osd.Collection](w, osd.KindCollection) {
		if len(c.Variables) > 0 {
			out = append(out, c.Variables)
		}
	}
	return out
}

// checkPrograms refuses a program that its package has not: where it is named, or where it is
// taken out of the package.
func (p *plan) checkPrograms() {
	bases := p.world.lists()
	for _, k := range []osd.Kind{osd.KindTaskSequence, osd.KindCollection, osd.KindComputer} {
		for _, o := range all[osd.Object](p.world, k) {
			for _, use := range p.world.programs(o, bases) {
				pack, ok := p.world.kinds[osd.KindPackage][use.Package].(*osd.Package)
				if !ok || pack.Program(use.Program) != nil {
					continue // what does not exist stands in errs
				}
				switch s, by := p.changes(o), p.changes(pack); {
				case s != nil:
					p.errs = append(p.errs, s.fault(use.Field, fmt.Sprintf("add it to `programs` of package %q, or name another", pack.Name), "package %q has no program %q", pack.Name, use.Program))
				case by != nil:
					p.errs = append(p.errs, by.fault("programs", "keep it, or change that first", "%s runs its program %q", p.world.named(o), use.Program))
				}
			}
		}
	}
}
