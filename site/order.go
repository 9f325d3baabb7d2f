package site

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
)

// orderLife is how long a box may take to hear of an order: a day, so that a
// line that is cut overnight does not lose it, and nothing surprises anybody
// weeks later.
const orderLife = day

// wakeLife is that of an order to wake machines: nobody expects them to start in
// the night because the line was cut in the afternoon.
const wakeLife = 10 * time.Minute

// retryLife is that of an order to go on behind a failure: boxes let no job go on that
// failed longer ago.
const retryLife = time.Hour

// Order tells boxes something: it stands in their policy until it ends, and each
// carries it out once.
func (s *Site) Order(ctx context.Context, who string, in api.Order) (*api.Ordered, error) {
	now := s.now().UTC().Truncate(time.Second)
	life := orderLife
	switch in.Kind {
	case policy.OrderWake:
		life = wakeLife
	case policy.OrderRetry:
		life = retryLife
	}
	out := &api.Ordered{Boxes: []string{}, Computers: []string{}, ExpiresAt: now.Add(life)}
	err := s.change(ctx, who, func(x store.Tx, w world) error {
		by, err := w.addressees(in)
		if err != nil {
			return err
		}
		for _, b := range all[*osd.Box](w, osd.KindBox) {
			computers, ok := by[b.Name]
			if !ok {
				continue
			}
			o := policy.Order{ID: "order-" + strings.ToLower(rand.Text()), Kind: in.Kind, By: who, IssuedAt: now, ExpiresAt: out.ExpiresAt}
			for _, c := range computers {
				o.Computers = append(append(o.Computers, c.ID), c.Former...)
				if !slices.Contains(out.Computers, c.Name) {
					out.Computers = append(out.Computers, c.Name)
				}
			}
			out.Boxes = append(out.Boxes, b.Name)
			text := fmt.Sprintf("%s, %d computers", o.ID, len(o.Computers))
			if err := x.AddOrder(store.Order{Order: o, Box: b.ID}); err != nil {
				return err
			}
			if err := s.audit(x, who, in.Kind, title(b), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// addressees are the boxes that an order goes to, by name, each with the
// computers that it is about.
func (w world) addressees(in api.Order) (map[string][]*osd.Computer, error) {
	boxes := map[string][]*osd.Computer{}
	for _, name := range in.Boxes {
		b, err := w.boxOf(nil, name)
		if err != nil {
			return nil, err
		}
		if in.Kind == policy.OrderResume && !w.can(osd.Deploy, b) {
			return nil, forbidden(osd.Deploy, title(b))
		}
		boxes[b.Name] = nil
	}
	switch {
	case in.Kind == policy.OrderResume && len(boxes) == 0:
		return nil, api.Errorf(api.CodeInvalid, "boxes", "name the boxes that are to go on")
	case in.Kind == policy.OrderResume:
		return boxes, nil
	case !slices.Contains([]string{policy.OrderClearPXE, policy.OrderRetry, policy.OrderWake}, in.Kind):
		return nil, api.Errorf(api.CodeInvalid, "kind", "%q: give %s, %s, %s or %s", in.Kind, policy.OrderResume, policy.OrderClearPXE, policy.OrderRetry, policy.OrderWake)
	}
	computers, err := w.chosen(in)
	if err != nil {
		return nil, err
	}
	for _, c := range computers {
		if !w.can(osd.Deploy, c) {
			return nil, forbidden(osd.Deploy, w.named(c))
		}
		for _, b := range all[*osd.Box](w, osd.KindBox) {
			if _, named := boxes[b.Name]; (named || len(in.Boxes) == 0) && w.serves(b, c) {
				boxes[b.Name] = append(boxes[b.Name], c)
			}
		}
	}
	return boxes, nil
}

// chosen are the computers that an order names, and those of its collection.
func (w world) chosen(in api.Order) ([]*osd.Computer, error) {
	var out []*osd.Computer
	for _, name := range in.Computers {
		c, ok := w.look(osd.KindComputer, name).(*osd.Computer)
		if !ok {
			return nil, notThere(osd.KindComputer, name)
		}
		out = append(out, c)
	}
	if in.Collection != "" {
		c, ok := w.look(osd.KindCollection, in.Collection).(*osd.Collection)
		if !ok {
			return nil, notThere(osd.KindCollection, in.Collection)
		}
		out = append(out, w.members(c)...)
	}
	if len(out) == 0 && in.Collection != "" {
		return nil, api.Errorf(api.CodeInvalid, fmt.Sprintf("Collection %q", in.Collection), "it holds no computer now").WithRemedy("`bootward collection members` says whom a collection holds")
	}
	if len(out) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "computers", "no computer is named").WithRemedy("name computers, or a collection that holds some")
	}
	return out, nil
}
