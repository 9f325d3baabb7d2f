package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site/store"
)

// compile makes the snapshot of a box, without number and times: what this
// box must decide by itself, and nothing of other wards. It is pure.
//
// A computer is in it unless another box serves it; a collection with those
// of its members; an advertisement if its collection can hold a machine here;
// a sequence if all of its content is complete; content if a sequence in it
// uses it; of the grants the newest for each computer and version, while it
// is good.
func compile(w world, box *osd.Box, site string, grants []store.Grant, now time.Time) (*policy.Snapshot, error) {
	s := &policy.Snapshot{Format: policy.Format, Site: site, Box: *box}
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		if c.Box == "" || c.Box == box.Name {
			s.Computers = append(s.Computers, *c)
		}
	}
	sequences := map[string]bool{}
	for _, a := range all[*osd.Advertisement](w, osd.KindAdvertisement) {
		c := w.collection(a.Collection)
		if c == nil || !reaches(s, c) {
			continue
		}
		s.Advertisements = append(s.Advertisements, *a)
		sequences[a.Sequence] = true
	}
	for _, c := range all[*osd.Collection](w, osd.KindCollection) {
		if reaches(s, c) {
			s.Collections = append(s.Collections, trim(s, c))
		}
	}
	used := map[string]bool{}
	for _, q := range all[*sequence.Sequence](w, osd.KindTaskSequence) {
		if !sequences[q.Name] || len(w.incomplete(q)) > 0 {
			continue
		}
		one, err := pin(w, q, used)
		if err != nil {
			return nil, err
		}
		s.Sequences = append(s.Sequences, one)
	}
	addContent(s, w, used)
	s.Grants = liveGrants(s, grants, now)
	return s, nil
}

// reaches says whether a machine at this box can be in the collection.
func reaches(s *policy.Snapshot, c *osd.Collection) bool {
	if c.Name == osd.UnknownComputers {
		return s.Box.PXE.UnknownComputers
	}
	return slices.ContainsFunc(s.Computers, func(p osd.Computer) bool { return c.Holds(&p) })
}

// trim leaves out the members that this box does not serve.
func trim(s *policy.Snapshot, c *osd.Collection) osd.Collection {
	out := *c
	out.Members = nil
	for _, m := range c.Members {
		if slices.ContainsFunc(s.Computers, func(p osd.Computer) bool { return p.Name == m }) {
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// pin makes one version of a sequence, and notes the content that it uses.
func pin(w world, q *sequence.Sequence, used map[string]bool) (policy.Sequence, error) {
	document, err := q.Canonical()
	if err != nil {
		return policy.Sequence{}, fmt.Errorf("%s: %w", title(q), err)
	}
	out := policy.Sequence{ID: q.ID, Name: q.Name, Digest: content.Digest(document), Document: document, Destructive: q.Destructive()}
	for _, r := range references(q) {
		id := meta(w[r.Kind][r.Name]).ID
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
		if used[p.ID] {
			s.Packages = append(s.Packages, *p)
		}
	}
	for _, i := range all[*osd.Image](w, osd.KindImage) {
		if used[i.ID] {
			s.Images = append(s.Images, *i)
		}
	}
	for _, b := range all[*osd.BootImage](w, osd.KindBootImage) {
		if used[b.ID] {
			s.BootImages = append(s.BootImages, *b)
		}
	}
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
