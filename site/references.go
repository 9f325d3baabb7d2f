package site

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// references lists what an object names, each with the path of its field.
func references(o osd.Object) []sequence.Reference {
	switch o := o.(type) {
	case *osd.Computer:
		if o.Box != "" {
			return []sequence.Reference{{Kind: osd.KindBox, Name: o.Box, Field: "box"}}
		}
	case *osd.Box:
		return listed(osd.KindCollection, "boundaries", o.Boundaries)
	case *osd.Package, *osd.Image, *osd.BootImage:
		return listed(osd.KindBox, "boxes", slices.DeleteFunc(slices.Clone(distributionOf(o).Boxes), func(n string) bool { return n == osd.AllBoxes }))
	case *osd.Association:
		refs := []sequence.Reference{{Kind: osd.KindComputer, Name: o.Source, Field: "source"}}
		if o.Destination != "" {
			refs = append(refs, sequence.Reference{Kind: osd.KindComputer, Name: o.Destination, Field: "destination"})
		}
		return refs
	case *osd.Collection:
		refs := slices.Concat(listed(osd.KindComputer, "members", o.Members),
			listed(osd.KindCollection, "include", o.Include), listed(osd.KindCollection, "exclude", o.Exclude))
		if o.LimitTo != "" {
			refs = append(refs, sequence.Reference{Kind: osd.KindCollection, Name: o.LimitTo, Field: "limitTo"})
		}
		return refs
	case *osd.Advertisement:
		return []sequence.Reference{
			{Kind: osd.KindCollection, Name: o.Collection, Field: "collection"},
			{Kind: osd.KindTaskSequence, Name: o.Sequence, Field: "sequence"},
		}
	case *osd.Person:
		return referencesOfPerson(o)
	case *sequence.Sequence:
		refs := o.References()
		if o.BootImage != "" && !names(refs, osd.KindBootImage) {
			refs = append(refs, sequence.Reference{Kind: osd.KindBootImage, Name: o.BootImage, Field: "bootImage"})
		}
		return refs
	}
	return nil
}

// referencesOfPerson are the objects that rights name: one that is deleted and
// made anew by somebody else must not find rights that wait for it.
func referencesOfPerson(p *osd.Person) []sequence.Reference {
	var refs []sequence.Reference
	for i, r := range p.Rights {
		if r.Collection != "" {
			refs = append(refs, sequence.Reference{Kind: osd.KindCollection, Name: r.Collection, Field: fmt.Sprintf("rights[%d].collection", i)})
		}
		if r.Kind != "" && r.Name != "" {
			refs = append(refs, sequence.Reference{Kind: r.Kind, Name: r.Name, Field: fmt.Sprintf("rights[%d].name", i)})
		}
	}
	if p.Technician != nil {
		for _, r := range listed(osd.KindBox, "technician.boxes", p.Technician.Boxes) {
			if r.Name != osd.AnyBox {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// listed are the references of a list.
func listed(k osd.Kind, field string, names []string) []sequence.Reference {
	var refs []sequence.Reference
	for i, n := range names {
		refs = append(refs, sequence.Reference{Kind: k, Name: n, Field: fmt.Sprintf("%s[%d]", field, i)})
	}
	return refs
}

func names(refs []sequence.Reference, k osd.Kind) bool {
	for _, r := range refs {
		if r.Kind == k {
			return true
		}
	}
	return false
}

// has says whether what a reference names exists. References go by name
// alone, because boxes resolve them by name.
func (w world) has(r sequence.Reference) bool {
	if r.Kind == osd.KindCollection {
		return w.collection(r.Name) != nil
	}
	_, ok := w.kinds[r.Kind][r.Name]
	return ok
}

// remedyFor says how to bring an object into being.
func remedyFor(r sequence.Reference) string {
	switch {
	case r.Kind == osd.KindImage:
		return fmt.Sprintf("import it first: bootward image import FILE.wim --name %q", r.Name)
	case r.Kind == osd.KindBootImage:
		return fmt.Sprintf("import it first: bootward bootimage import DIR --name %q", r.Name)
	case r.Kind == osd.KindPackage && r.Name == sequence.ImagingTools:
		return fmt.Sprintf("it holds the programs that the boot image lacks; import the imaging folder of the kit: bootward package import DIR --name %q", r.Name)
	case r.Kind == osd.KindPackage:
		return fmt.Sprintf("import it first: bootward package import DIR --name %q", r.Name)
	}
	return fmt.Sprintf("correct the name, or apply a %s of that name with it", r.Kind)
}

// referrers lists the objects that name an object.
func (w world) referrers(target osd.Object) []string {
	var out []string
	var bases []string
	if target.ObjectKind() == osd.KindPackage {
		bases = w.lists()
	}
	for _, k := range osd.Kinds() {
		for _, o := range all[osd.Object](w, k) {
			for _, r := range w.allReferences(o, bases) {
				if r.Kind == target.ObjectKind() && r.Name == target.ObjectName() {
					out = append(out, w.named(o))
					break
				}
			}
		}
	}
	return out
}

// incomplete lists the content that a sequence needs and that is not there.
func (w world) incomplete(s *sequence.Sequence) []string {
	run, err := w.inlined(s)
	if err != nil {
		return []string{err.Error()}
	}
	var missing []string
	for _, o := range w.listed(run) {
		if contentOf(o).Manifest == "" {
			missing = append(missing, fmt.Sprintf("%s has no content", title(o)))
		}
	}
	for _, r := range references(run) {
		o := w.kinds[r.Kind][r.Name]
		if o == nil {
			missing = append(missing, fmt.Sprintf("%s %q does not exist", r.Kind, r.Name))
			continue
		}
		if c := contentOf(o); c != nil && c.Manifest == "" {
			missing = append(missing, fmt.Sprintf("%s %q has no content", r.Kind, r.Name))
		}
	}
	return missing
}

// boxFor finds the box that serves a computer: its own, else the only one.
func (w world) boxFor(c *osd.Computer) (*osd.Box, error) {
	if c.Box != "" {
		if b, ok := w.kinds[osd.KindBox][c.Box].(*osd.Box); ok {
			return b, nil
		}
		return nil, fmt.Errorf("computer %s: its box %q does not exist", c.Name, c.Box)
	}
	boxes := slices.DeleteFunc(all[*osd.Box](w, osd.KindBox), func(b *osd.Box) bool { return !w.serves(b, c) })
	// A boundary that names the computer goes before boxes that serve all.
	if i := slices.IndexFunc(boxes, func(b *osd.Box) bool { return len(b.Boundaries) > 0 }); i >= 0 {
		return boxes[i], nil
	}
	if len(boxes) == 1 {
		return boxes[0], nil
	}
	var known []string
	for _, b := range boxes {
		known = append(known, b.Name)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("computer %s: no box of the site serves it; apply a Box, or give one boundaries that hold it", c.Name)
	}
	return nil, fmt.Errorf("computer %s: %d boxes serve it (%s), so its key `box`, or the boundaries of one box, must say which",
		c.Name, len(boxes), strings.Join(known, ", "))
}
