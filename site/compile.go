package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// compile makes the snapshot of a box, without number and times: what this
// box must decide by itself, and nothing of other wards. It is pure.
//
// A computer is in it if the box serves it; a collection with those of its
// direct members; an advertisement if its collection can hold a machine here; a
// sequence if all of its content is complete; content if a sequence in it uses
// it, or variables of its computers or of a collection list it for one, or if it is assigned to the box; of the grants the newest for each computer
// and version, while it is good; of the persons those who may do something at the
// box.
func compile(w world, box *osd.Box, site string, grants []store.Grant, orders []store.Order, now time.Time) (*policy.Snapshot, error) {
	s := &policy.Snapshot{Format: policy.Format, Requires: policy.Features(), Site: site, Box: *box, Settings: w.settings(), Inventory: map[string]inventory.Record{}}
	here := map[string]bool{}
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		if !w.serves(box, c) {
			continue
		}
		s.Computers, here[c.Name] = append(s.Computers, *c), true
		if r, ok := w.inventory[c.ID]; ok {
			s.Inventory[c.ID] = r
		}
	}
	addCollections(s, w, here)
	sequences, variables := map[string]bool{}, w.variablesAt(here)
	for _, a := range all[*osd.Advertisement](w, osd.KindAdvertisement) {
		if w.reaches(s, a.Collection, here) {
			s.Advertisements = append(s.Advertisements, *a)
			sequences[a.Sequence] = true
		}
	}
	used := map[string]bool{}
	for _, q := range all[*sequence.Sequence](w, osd.KindTaskSequence) {
		if !sequences[q.Name] || len(w.incomplete(q)) > 0 {
			continue
		}
		run, err := w.inlined(q)
		if err != nil {
			return nil, err
		}
		one, err := pin(w, run, used)
		if err != nil {
			return nil, err
		}
		for _, o := range w.listed(run, variables...) {
			used[meta(o).ID] = true
		}
		s.Sequences = append(s.Sequences, one)
	}
	addContent(s, w, used)
	addPeople(s, w, now)
	s.Grants = liveGrants(s, grants, now)
	for _, o := range orders {
		s.Orders = append(s.Orders, o.Order)
	}
	return s, nil
}

// serves says whether a box serves a computer: it is named, or holds it in its
// boundaries; without boundaries it serves all for which no box is named.
func (w world) serves(b *osd.Box, c *osd.Computer) bool {
	if c.Box != "" {
		return c.Box == b.Name
	}
	return len(b.Boundaries) == 0 || slices.ContainsFunc(b.Boundaries, func(name string) bool { return w.holds(name, c) })
}

func (w world) holds(collection string, c *osd.Computer) bool {
	return slices.Contains(w.members(&osd.Collection{Meta: osd.Meta{Name: collection}}), c)
}

// addCollections puts in every collection, with the direct members and the last
// update restricted to the computers of the box: collections lean on each other,
// and a machine of this ward may come to fit any query.
func addCollections(s *policy.Snapshot, w world, here map[string]bool) {
	known := map[string]bool{}
	for _, c := range s.Computers {
		known[c.ID] = true
	}
	for _, c := range all[*osd.Collection](w, osd.KindCollection) {
		one := *c
		one.Members = keep(c.Members, here)
		s.Collections = append(s.Collections, one)
		if f, ok := w.frozen[c.Name]; ok {
			if s.Frozen == nil {
				s.Frozen = map[string]membership.Frozen{}
			}
			s.Frozen[c.Name] = membership.Frozen{At: f.At, Members: keep(f.Members, known)}
		}
	}
}

// keep lists those of the names that are in a set.
func keep(names []string, in map[string]bool) []string {
	var out []string
	for _, n := range names {
		if in[n] {
			out = append(out, n)
		}
	}
	return out
}

// reaches says whether a machine at this box can be in the collection: one of
// its computers is, or may come to be by a query, or unknown machines can be.
func (w world) reaches(s *policy.Snapshot, name string, here map[string]bool) bool {
	c := w.collection(name)
	if c == nil {
		return false
	}
	if name == osd.UnknownComputers || slices.Contains(c.Include, osd.UnknownComputers) {
		return s.Box.PXE.UnknownComputers
	}
	return len(c.Queries) > 0 || slices.ContainsFunc(w.members(c), func(p *osd.Computer) bool { return here[p.Name] })
}

// pin makes one version of a sequence as it runs, and notes the content that it uses.
func pin(w world, q *sequence.Sequence, used map[string]bool) (policy.Sequence, error) {
	document, err := q.Canonical()
	if err != nil {
		return policy.Sequence{}, fmt.Errorf("%s: %w", title(q), err)
	}
	out := policy.Sequence{ID: q.ID, Name: q.Name, Digest: content.Digest(document), Document: document, Destructive: q.Destructive(),
		Secrets: q.SecretNames(), Lists: q.Lists()}
	for _, o := range w.listed(q) {
		out.Content = append(out.Content, meta(o).ID)
	}
	for _, r := range references(q) {
		id := meta(w.kinds[r.Kind][r.Name]).ID
		used[id] = true
		switch r.Kind {
		case osd.KindBootImage:
			out.BootImage = id
		case osd.KindPackage, osd.KindImage:
			if !slices.Contains(out.Content, id) {
				out.Content = append(out.Content, id)
			}
		}
	}
	return out, nil
}

func addContent(s *policy.Snapshot, w world, used map[string]bool) {
	for _, p := range all[*osd.Package](w, osd.KindPackage) {
		if used[p.ID] || kept(s, p.Content, p.Distribution) {
			one := *p
			one.Boxes = nil // not for other wards to know
			s.Packages = append(s.Packages, one)
		}
	}
	for _, i := range all[*osd.Image](w, osd.KindImage) {
		if used[i.ID] || kept(s, i.Content, i.Distribution) {
			one := *i
			one.Boxes = nil // not for other wards to know
			s.Images = append(s.Images, one)
		}
	}
	for _, b := range all[*osd.BootImage](w, osd.KindBootImage) {
		if used[b.ID] || kept(s, b.Content, b.Distribution) {
			one := *b
			one.Boxes = nil // not for other wards to know
			s.BootImages = append(s.BootImages, one)
		}
	}
}

// kept says whether content is assigned to the box of a snapshot.
func kept(s *policy.Snapshot, c osd.Content, d osd.Distribution) bool {
	return c.Manifest != "" && d.AssignedTo(s.Box.Name)
}

// liveGrants chooses the bound grants that fit the snapshot: of one computer,
// advertisement and version only the newest. Times of issue are whole seconds:
// of two in one second the one that was added later counts.
func liveGrants(s *policy.Snapshot, grants []store.Grant, now time.Time) []policy.SignedGrant {
	type key struct{ computer, advertisement, digest string }
	newest := map[key]store.Grant{}
	for _, g := range grants {
		if !now.Before(g.ExpiresAt) || !fits(s, g.Grant) {
			continue
		}
		k := key{g.Computer, g.Advertisement, g.Sequence}
		if old, ok := newest[k]; !ok || !g.IssuedAt.Before(old.IssuedAt) {
			newest[k] = g
		}
	}
	var out []policy.SignedGrant
	for _, g := range newest {
		if g.Envelope != nil {
			out = append(out, policy.SignedGrant{Grant: g.Grant, Envelope: g.Envelope})
		}
	}
	slices.SortFunc(out, func(a, b policy.SignedGrant) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func fits(s *policy.Snapshot, g policy.Grant) bool {
	i := slices.IndexFunc(s.Advertisements, func(a osd.Advertisement) bool { return a.ID == g.Advertisement })
	if i < 0 {
		return false
	}
	return slices.ContainsFunc(s.Computers, func(c osd.Computer) bool { return c.ID == g.Computer }) &&
		slices.ContainsFunc(s.Sequences, func(q policy.Sequence) bool {
			return q.Name == s.Advertisements[i].Sequence && q.Digest == g.Sequence
		})
}
