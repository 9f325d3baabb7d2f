package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// Distribute assigns content to boxes, or takes it away from them: all of what is
// asked, or nothing. What a box holds already of it changes nothing.
func (s *Site) Distribute(ctx context.Context, who string, k osd.Kind, nameOrID string, in api.Distribute) (*api.Distributed, error) {
	var out *api.Distributed
	err := s.change(ctx, who, func(x store.Tx, w world) error {
		was, err := x.Object(k, nameOrID)
		if err != nil {
			return err
		}
		o, err := decode(was) // a copy: what the world holds is shared
		if err != nil {
			return err
		}
		d := distributionOf(o)
		if d == nil {
			return api.Errorf(api.CodeInvalid, title(o), "a %s has no content", k).WithRemedy("name a Package, an Image or a BootImage")
		}
		before := d.Boxes
		if d.Boxes, err = w.assign(title(o), before, in); err != nil {
			return err
		}
		if err := w.mayDistribute(o, before); err != nil {
			return err
		}
		out = &api.Distributed{Kind: string(k), Name: o.ObjectName(), Boxes: append([]string{}, d.Boxes...), Notes: w.noteDistribution(o, before)}
		if slices.Equal(before, d.Boxes) {
			return nil
		}
		r, err := encode(o)
		if err != nil {
			return err
		}
		text := "content is assigned to " + strings.Join(d.Boxes, ", ")
		if len(d.Boxes) == 0 {
			text = "content is assigned to no box"
		}
		return errors.Join(x.PutObject(r), s.audit(x, who, "distribute", title(o), text))
	})
	return out, err
}

// assign is the list of boxes after a change.
func (w world) assign(object string, now []string, in api.Distribute) ([]string, error) {
	switch {
	case in.All && len(in.Boxes) > 0:
		return nil, api.Errorf(api.CodeInvalid, object, "boxes are named, and all are meant as well").WithRemedy("give boxes, or all")
	case in.All && in.Remove:
		return nil, nil
	case in.All:
		return []string{osd.AllBoxes}, nil
	case len(in.Boxes) == 0:
		return nil, api.Errorf(api.CodeInvalid, object, "no box is named").WithRemedy("name boxes, or mean all")
	case slices.Contains(now, osd.AllBoxes) && in.Remove:
		return nil, api.Errorf(api.CodeRefused, object, "its content is assigned to every box").
			WithRemedy("take it away from all, then assign it to those that are to keep it")
	}
	out := slices.Clone(now)
	for _, n := range in.Boxes {
		b, ok := w.find(osd.KindBox, n).(*osd.Box)
		if !ok {
			return nil, notThere(osd.KindBox, n)
		}
		out = slices.DeleteFunc(out, func(have string) bool { return have == b.Name })
		if !in.Remove && !slices.Contains(now, osd.AllBoxes) {
			out = append(out, b.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// mayDistribute wants deploy on the object, and on each box that gets it or loses
// it.
func (w world) mayDistribute(o osd.Object, before []string) error {
	if err := w.need(osd.Deploy, w.byID(o.ObjectKind(), meta(o).ID)); err != nil {
		return err
	}
	for _, b := range all[*osd.Box](w, osd.KindBox) {
		if (osd.Distribution{Boxes: before}).AssignedTo(b.Name) == distributionOf(o).AssignedTo(b.Name) {
			continue
		}
		if err := w.need(osd.Deploy, b); err != nil {
			return err
		}
	}
	return nil
}

// noteDistribution tells what does not follow from a change.
func (w world) noteDistribution(o osd.Object, before []string) []string {
	var notes []string
	if contentOf(o).Manifest == "" {
		notes = append(notes, "it has no content yet: it is copied when it was imported")
	}
	for _, b := range all[*osd.Box](w, osd.KindBox) {
		if !(osd.Distribution{Boxes: before}).AssignedTo(b.Name) || distributionOf(o).AssignedTo(b.Name) {
			continue
		}
		if by := w.uses(b)[meta(o).ID]; len(by) > 0 {
			notes = append(notes, fmt.Sprintf("box %s keeps it while it is advertised there: %s", b.Name, strings.Join(by, ", ")))
		}
	}
	return notes
}

func (s *Site) postDistribute(w http.ResponseWriter, r *http.Request, c caller) error {
	k, err := kindOf(r)
	if err != nil {
		return err
	}
	var in api.Distribute
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.Distribute(r.Context(), c.person, k, r.PathValue("name"), in)
	return answer(w, out, err)
}
