package site

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// An advertisement is taken when the boxes that serve its machines hold what its
// sequence needs. Otherwise it is refused with the list, or taken with a note by
// choice: machines of such a box get nothing until the copy is whole.

// contents are the packages, images and the boot image that a sequence needs
// and that have content: also those that variables list for it.
func (w world) contents(q *sequence.Sequence, variables ...map[string]string) []osd.Object {
	var out []osd.Object
	if run, err := w.inlined(q); err == nil {
		q = run
	}
	for _, r := range references(q) {
		o := w.kinds[r.Kind][r.Name]
		if c := contentOf(o); c != nil && c.Manifest != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, o := range w.listed(q, variables...) {
		if contentOf(o).Manifest != "" && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

// serving are the boxes that serve machines of a collection: known ones that
// are in it now, or unknown ones, if the box answers those.
func (w world) serving(c *osd.Collection) []*osd.Box {
	unknown := c.Name == osd.UnknownComputers || slices.Contains(c.Include, osd.UnknownComputers)
	members := w.members(c)
	return slices.DeleteFunc(all[*osd.Box](w, osd.KindBox), func(b *osd.Box) bool {
		return !(unknown && b.PXE.UnknownComputers) && !slices.ContainsFunc(members, func(p *osd.Computer) bool { return w.serves(b, p) })
	})
}

// lack is what one box lacks for a sequence.
type lack struct {
	box     string
	never   bool // it never checked in
	hidden  bool // whoever asks may not see the box
	objects []osd.Object
}

func (l lack) String() string {
	var names []string
	for _, o := range l.objects {
		names = append(names, fmt.Sprintf("%s %q", noun(o), o.ObjectName()))
	}
	box := "box " + l.box
	if l.hidden {
		box = "a box that you may not see"
	}
	text := fmt.Sprintf("%s lacks %s", box, strings.Join(names, ", "))
	if l.never {
		text += " (it has never checked in)"
	}
	return text
}

// noun is what the command line calls content of a kind.
func noun(o osd.Object) string { return strings.ToLower(string(o.ObjectKind())) }

// lacking says which boxes that serve a collection lack content of a sequence,
// by what they told last. relayed content is had from the site meanwhile.
func (w world) lacking(c *osd.Collection, q *sequence.Sequence, said map[string]told) []lack {
	var out []lack
	for _, b := range w.serving(c) {
		t := said[b.ID]
		one := lack{box: b.Name, never: t.at.IsZero(), hidden: !w.can(osd.See, b)}
		var variables []map[string]string
		if len(q.Lists()) > 0 {
			variables = w.variablesOf(slices.DeleteFunc(slices.Clone(w.members(c)), func(p *osd.Computer) bool { return !w.serves(b, p) }))
		}
		for _, o := range w.contents(q, variables...) {
			if !t.complete(contentOf(o).Manifest) {
				one.objects = append(one.objects, o)
			}
		}
		if len(one.objects) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// checkContent refuses advertisements of the plan that boxes could not carry
// out, or notes it, if that was accepted.
func (p *plan) checkContent(said map[string]told, accept bool) {
	if len(p.errs) > 0 && !p.refused {
		return // first the documents must be right
	}
	for _, s := range p.steps {
		switch o := s.Object.(type) {
		case *osd.Advertisement:
			if s.action != actionUnchanged {
				p.checkAdvertised(s, o, said, accept)
			}
		case *sequence.Sequence:
			if s.action == actionUpdate {
				p.noteLacking(s, o, said)
			}
		}
	}
	p.refused = len(p.errs) > 0
}

func (p *plan) checkAdvertised(s *step, a *osd.Advertisement, said map[string]told, accept bool) {
	q, c := p.world.runs(a.Sequence), p.world.collection(a.Collection)
	if q == nil || c == nil {
		return // an error that stands in errs
	}
	for _, l := range p.world.lacking(c, q, said) {
		switch {
		case a.RemoteDistributionPoint && !l.never && l.relayable():
			s.note("%s: it fetches that from the site while machines are deployed, and needs its line for it", l)
		case accept:
			s.note("%s: its machines get nothing of this until the copy is complete; see `bootward content status`", l)
		default:
			p.errs = append(p.errs, s.fault("sequence", l.remedy(), "%s, which task sequence %q needs", l, a.Sequence))
		}
	}
}

// relayable says whether a box can pass on what it lacks: not what firmware
// boots.
func (l lack) relayable() bool {
	return !slices.ContainsFunc(l.objects, func(o osd.Object) bool { return o.ObjectKind() == osd.KindBootImage })
}

func (l lack) remedy() string {
	if l.hidden {
		return "ask an administrator to assign it to the boxes of the collection; or apply with --accept-missing"
	}
	var commands []string
	for _, o := range l.objects {
		commands = append(commands, fmt.Sprintf("`bootward %s distribute %q --box %s`", noun(o), o.ObjectName(), l.box))
	}
	if l.never {
		return fmt.Sprintf("apply with --accept-missing: the box copies it once it is enrolled (`bootward box token %s`), and its machines get nothing of it until then; or apply the box first, enrol it, ", l.box) +
			strings.Join(commands, ", ") + ", wait until `bootward content status` says complete, then apply again"
	}
	return strings.Join(commands, ", ") + ", wait until `bootward content status` says complete, then apply again; or apply with --accept-missing"
}

// noteLacking tells of boxes that lack what a changed sequence needs: whoever
// advertised it before gets no refusal for that.
func (p *plan) noteLacking(s *step, q *sequence.Sequence, said map[string]told) {
	for _, a := range all[*osd.Advertisement](p.world, osd.KindAdvertisement) {
		c := p.world.collection(a.Collection)
		own := p.seen[objectKey{osd.KindAdvertisement, a.Name}]
		run := p.world.runs(a.Sequence)
		if run == nil || !p.world.runsIn(a.Sequence, q) || c == nil || own != nil && own.action != actionUnchanged {
			continue // the changed advertisement says it itself
		}
		for _, l := range p.world.lacking(c, run, said) {
			s.note("advertisement %q: %s: its machines get nothing of it until the copy is complete", a.Name, l)
		}
	}
}
