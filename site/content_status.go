package site

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

// contentKinds are the kinds of objects that have content.
var contentKinds = []osd.Kind{osd.KindBootImage, osd.KindImage, osd.KindPackage}

// told is what a box said at its last check-in.
type told struct {
	at time.Time // zero: it never checked in
	in api.CheckIn
}

func (t told) complete(manifest string) bool { return slices.Contains(t.in.Complete, manifest) }

// checkIns are the last check-ins of the boxes, by ID.
func checkIns(x store.Boxes) (map[string]told, error) {
	enrolled, err := x.Boxes()
	if err != nil {
		return nil, err
	}
	out := map[string]told{}
	for _, b := range enrolled {
		if b.CheckIn == nil {
			continue
		}
		t := told{at: b.LastSeen}
		if err := json.Unmarshal(b.CheckIn, &t.in); err != nil {
			return nil, fmt.Errorf("check-in of box %s: %w", b.ID, err)
		}
		out[b.ID] = t
	}
	return out, nil
}

// uses says which advertisements bring content to a box, by the ID of the
// content: the same rules as those of compile.
func (w world) uses(b *osd.Box) map[string][]string {
	out := map[string][]string{}
	s, here := &policy.Snapshot{Box: *b}, w.servedBy(b)
	variables := w.variablesAt(here)
	for _, a := range all[*osd.Advertisement](w, osd.KindAdvertisement) {
		q := w.runs(a.Sequence)
		if q == nil || !w.reaches(s, a.Collection, here) || len(w.incomplete(q)) > 0 {
			continue
		}
		for _, o := range w.contents(q, variables...) {
			if id := meta(o).ID; !slices.Contains(out[id], a.Name) {
				out[id] = append(out[id], a.Name)
			}
		}
	}
	return out
}

// servedBy are the names of the computers that a box serves.
func (w world) servedBy(b *osd.Box) map[string]bool {
	here := map[string]bool{}
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		if w.serves(b, c) {
			here[c.Name] = true
		}
	}
	return here
}

// ContentStatus says which boxes hold which content, by what they told at their
// last check-in. name is that of one object, or its ID; empty for all.
func (s *Site) ContentStatus(ctx context.Context, who, name string) ([]api.ContentStatus, error) {
	out := []api.ContentStatus{}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		said, err := checkIns(x)
		if err != nil {
			return err
		}
		boxes := slices.DeleteFunc(all[*osd.Box](w, osd.KindBox), func(b *osd.Box) bool { return !w.can(osd.See, b) })
		uses := map[string]map[string][]string{}
		for _, b := range boxes {
			uses[b.ID] = w.uses(b)
		}
		for _, k := range contentKinds {
			for _, o := range all[osd.Object](w, k) {
				if m := meta(o); w.can(osd.See, o) && (name == "" || m.Name == name || m.ID == name) {
					out = append(out, statusOf(o, boxes, said, uses))
				}
			}
		}
		return nil
	})
	if err == nil && name != "" && len(out) == 0 {
		return nil, api.Errorf(api.CodeNotFound, name, "there is no package, image or boot image of that name").
			WithRemedy("see `bootward content status`")
	}
	return out, err
}

func statusOf(o osd.Object, boxes []*osd.Box, said map[string]told, uses map[string]map[string][]string) api.ContentStatus {
	m, c := meta(o), contentOf(o)
	out := api.ContentStatus{Kind: string(o.ObjectKind()), ID: m.ID, Name: m.Name, Manifest: c.Manifest, Bytes: c.Bytes, Boxes: []api.ContentAtBox{}}
	for _, b := range boxes {
		t := said[b.ID]
		at := api.ContentAtBox{Box: b.Name, Assigned: distributionOf(o).AssignedTo(b.Name), UsedBy: uses[b.ID][m.ID], LastSeen: t.at}
		switch {
		case c.Manifest == "":
			at.State = api.ContentNone
		case t.at.IsZero():
			at.State = api.ContentUnknown
		case t.complete(c.Manifest):
			at.State, at.Copied = api.ContentComplete, t.in.Copied[c.Manifest]
		default:
			at.State = api.ContentMissing
		}
		if at.Assigned || len(at.UsedBy) > 0 || at.State == api.ContentComplete {
			out.Boxes = append(out.Boxes, at)
		}
	}
	return out
}

func (s *Site) getContent(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.ContentStatus(r.Context(), c.person, r.URL.Query().Get("name"))
	return answer(w, out, err)
}
