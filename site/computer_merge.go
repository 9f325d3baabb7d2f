package site

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// MergeComputers makes one computer of two: labels, variables, direct
// memberships and associations of the first go over to the second, and the first
// is deleted. What boxes remember of its runs counts for the second (Former). Its
// grants are void: they name a computer that is no more.
func (s *Site) MergeComputers(ctx context.Context, who, from string, in api.Merge) (*api.Applied, error) {
	return s.carry(ctx, who, in.DryRun, func(x store.Tx, w world) (*plan, error) {
		from, to, err := w.pair(from, in.Into)
		if err != nil {
			return nil, err
		}
		m := &merging{w: w, from: from, to: to}
		open, err := s.openGrants(x)
		if err != nil {
			return nil, err
		}
		if err := m.refuse(open, in.Force); err != nil {
			return nil, err
		}
		p, err := m.plan(open)
		if err != nil {
			return nil, err
		}
		p.last = func() error { return s.finishMerge(x, who, m) }
		return p, nil
	})
}

// pair finds the two computers of a merge.
func (w world) pair(from, into string) (*osd.Computer, *osd.Computer, error) {
	var found [2]*osd.Computer
	for i, name := range []string{from, into} {
		c, ok := w.look(osd.KindComputer, name).(*osd.Computer)
		if !ok {
			return nil, nil, notThere(osd.KindComputer, name)
		}
		if err := w.need(osd.Change, c); err != nil {
			return nil, nil, err
		}
		found[i] = c
	}
	if found[0].ID == found[1].ID {
		return nil, nil, api.Errorf(api.CodeInvalid, title(found[0]), "it cannot be merged with itself").WithRemedy("name two computers")
	}
	return found[0], found[1], nil
}

// openGrants counts the grants that may still be used, by ID of the computer.
func (s *Site) openGrants(x store.Tx) (map[string]int, error) {
	grants, err := x.Grants(store.GrantFilter{})
	open := map[string]int{}
	for _, g := range grants {
		if g.UsedAt.IsZero() && s.now().Before(g.ExpiresAt) {
			open[g.Computer]++
		}
	}
	return open, err
}

// merging is one merge on its way.
type merging struct {
	w        world
	from, to *osd.Computer
}

// refuse says what speaks against a merge. Two GUIDs are two motherboards: to
// take two machines for one means that one of them may be erased by what was
// meant for the other.
func (m *merging) refuse(open map[string]int, force bool) error {
	_, a := labels(m.from)
	_, b := labels(m.to)
	var why string
	switch {
	case a != "" && b != "" && a != b:
		why = fmt.Sprintf("its SMBIOS GUID is %s, that of %s is %s: these are two machines, unless the motherboard was replaced. %s keeps its GUID, the other one is dropped", a, m.to.Name, b, m.to.Name)
	case m.from.TPM != "" && m.to.TPM != "" && m.from.TPM != m.to.TPM:
		why = fmt.Sprintf("both have a TPM: these are two machines, unless the motherboard was replaced. %s keeps its own, and a machine with the other one waits for a person", m.to.Name)
	case open[m.from.ID] > 0 && open[m.to.ID] > 0:
		why = fmt.Sprintf("it and %s hold grants that were not used: two machines were confirmed to be erased. Those of %s become void", m.to.Name, m.from.Name)
	case m.from.Box != "" && m.to.Box != "" && m.from.Box != m.to.Box:
		why = fmt.Sprintf("box %s serves it, and box %s serves %s. Box %s will not know the machine any longer", m.from.Box, m.to.Box, m.to.Name, m.from.Box)
	}
	if why == "" || force {
		return nil
	}
	return api.Errorf(api.CodeRefused, title(m.from), "%s", why).WithRemedy("if that is what you want: --force")
}

// plan is what the merge does to objects.
func (m *merging) plan(open map[string]int) (*plan, error) {
	left := m.w.clone()
	delete(left.kinds[osd.KindComputer], m.from.Name)
	kept, gone := m.associations()
	for _, a := range gone {
		delete(left.kinds[osd.KindAssociation], a.ObjectName())
	}
	var objects []written
	for _, o := range slices.Concat([]osd.Object{m.joined()}, m.collections(), kept) {
		objects = append(objects, written{Object: o, file: "merge"})
	}
	p := makePlan(left, objects)
	p.gone = append(gone, m.from)
	switch {
	case p.forbidden:
		return nil, problem(p.errs, api.CodeForbidden)
	case len(p.errs) > 0:
		return nil, problem(p.errs, api.CodeConflict)
	}
	if n := open[m.from.ID]; n > 0 {
		p.steps[slices.IndexFunc(p.steps, func(s *step) bool { return s.ObjectKind() == osd.KindComputer })].
			note("%d grants of %s are void; grant again what is to erase %s: bootward advertisement grant", n, m.from.Name, m.to.Name)
	}
	return p, nil
}

// joined is the computer that stays, with what the other one had.
func (m *merging) joined() *osd.Computer {
	c := *m.to
	c.MACs = slices.Clone(m.to.MACs)
	have, guid := labels(m.to)
	also, _ := labels(m.from)
	for _, a := range also {
		if !slices.Contains(have, a) {
			c.MACs = append(c.MACs, a)
		}
	}
	if guid == "" {
		c.SMBIOSGUID = m.from.SMBIOSGUID
	}
	if len(m.from.Variables) > 0 {
		c.Variables = maps.Clone(m.from.Variables)
		maps.Copy(c.Variables, m.to.Variables)
	}
	c.Box, c.Comment = cmp.Or(c.Box, m.from.Box), cmp.Or(c.Comment, m.from.Comment)
	c.TPM = cmp.Or(c.TPM, m.from.TPM)
	c.Provisional = m.to.Provisional && m.from.Provisional
	for _, id := range append([]string{m.from.ID}, m.from.Former...) {
		if !slices.Contains(c.Former, id) {
			c.Former = append(slices.Clone(c.Former), id)
		}
	}
	return &c
}

// collections are those that have the first as a direct member, with the second
// in its place.
func (m *merging) collections() (out []osd.Object) {
	for _, c := range all[*osd.Collection](m.w, osd.KindCollection) {
		i := slices.Index(c.Members, m.from.Name)
		if i < 0 {
			continue
		}
		one := *c
		one.Members = slices.Clone(c.Members)
		one.Members[i] = m.to.Name
		if slices.Contains(c.Members, m.to.Name) {
			one.Members = slices.Delete(one.Members, i, i+1)
		}
		out = append(out, &one)
	}
	return out
}

// associations are those of the first, with the second in its place; gone are
// those that mean nothing any more.
func (m *merging) associations() (kept, gone []osd.Object) {
	taken := m.destinations()
	for _, a := range all[*osd.Association](m.w, osd.KindAssociation) {
		if a.Source != m.from.Name && a.To() != m.from.Name {
			continue
		}
		one := m.renamed(a)
		if one.Type() == osd.AssociationInPlace && a.Type() != osd.AssociationInPlace || a.To() == m.from.Name && taken[m.to.Name] {
			gone = append(gone, a)
			continue
		}
		kept = append(kept, one)
	}
	return kept, gone
}

// destinations are the computers that get state of another one.
func (m *merging) destinations() map[string]bool {
	taken := map[string]bool{}
	for _, a := range all[*osd.Association](m.w, osd.KindAssociation) {
		taken[a.To()] = true
	}
	return taken
}

func (m *merging) renamed(a *osd.Association) *osd.Association {
	one := *a
	for _, name := range []*string{&one.Source, &one.Destination} {
		if *name == m.from.Name {
			*name = m.to.Name
		}
	}
	return &one
}

// finishMerge keeps the newer of the two inventories and tells the audit log.
func (s *Site) finishMerge(x store.Tx, who string, m *merging) error {
	mine, theirs := m.w.inventory[m.to.ID], m.w.inventory[m.from.ID]
	if theirs.Time.After(mine.Time) {
		record, err := json.Marshal(theirs)
		if err = errors.Join(err, x.PutInventory(m.to.ID, record)); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s (%s) is merged into it: MAC %s, GUID %s", m.from.Name, m.from.ID, strings.Join(m.from.MACs, " "), m.from.SMBIOSGUID)
	return errors.Join(x.DeleteInventory(m.from.ID), s.audit(x, who, "merge", title(m.to), text))
}

func (s *Site) postMerge(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.Merge
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.MergeComputers(r.Context(), c.person, r.PathValue("name"), in)
	return answer(w, out, err)
}
