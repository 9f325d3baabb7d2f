package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// waiting is a machine that waits for approval, as its box said at its last
// check-in.
type waiting struct {
	api.BoxPending
	box store.Box
}

// Pending lists the machines that wait for approval at all boxes, oldest first.
// What was decided here, and what the box did not say yet that it knows, counts
// as decided.
func (s *Site) Pending(ctx context.Context, who string) ([]api.BoxPending, error) {
	out := []api.BoxPending{}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		all, err := s.waiting(x)
		for _, one := range all {
			if w.look(osd.KindBox, one.box.ID) != nil {
				out = append(out, one.BoxPending)
			}
		}
		return err
	})
	return out, err
}

func (s *Site) waiting(x store.Tx) ([]waiting, error) {
	boxes, err := x.Boxes()
	if err != nil {
		return nil, err
	}
	var out []waiting
	for _, b := range boxes {
		if b.CheckIn == nil {
			continue
		}
		var c api.CheckIn
		if err := json.Unmarshal(b.CheckIn, &c); err != nil {
			return nil, fmt.Errorf("check-in of box %s: %w", b.ID, err)
		}
		if len(c.Pending) == 0 {
			continue
		}
		orders, err := x.Orders(b.ID, s.now())
		if err != nil {
			return nil, err
		}
		name := nameOf(x, osd.KindBox, b.ID)
		for _, p := range c.Pending {
			w := waiting{BoxPending: api.BoxPending{Box: name, PendingApproval: p}, box: b}
			w.follow(orders)
			if !w.ended(c.Time, s.now()) {
				out = append(out, w)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b waiting) int { return cmp.Or(a.AskedAt.Compare(b.AskedAt), strings.Compare(a.ID, b.ID)) })
	return out, nil
}

// follow takes over what was ordered and is not carried out yet.
func (w *waiting) follow(orders []store.Order) {
	for _, o := range orders {
		if o.Approval == w.ID && w.Decision == "" {
			w.Decision, w.Who = o.Kind, o.By
		}
	}
}

// life is how long the machine waits.
func (w *waiting) life() time.Duration {
	return min(max(w.ExpiresAt.Sub(w.AskedAt), 0), time.Hour)
}

// ended says whether the machine waits no longer, at a time by the site's clock.
// told is what the box's clock showed at the check-in: times of one that stands
// elsewhere say nothing, but the machine was waiting when the box was seen.
func (w *waiting) ended(told, now time.Time) bool {
	agrees := told.Sub(w.box.LastSeen).Abs() < time.Minute
	return now.Sub(w.box.LastSeen) >= w.life() || agrees && !now.Before(w.ExpiresAt)
}

// DecideApproval tells the box of a machine that waits what a person decided: it is
// an order in the box's policy, which names the one question that was meant.
func (s *Site) DecideApproval(ctx context.Context, who, code string, in api.SiteDecision) (*api.Ordered, error) {
	if in.Decision != policy.OrderApprove && in.Decision != policy.OrderDeny {
		return nil, api.Errorf(api.CodeInvalid, "decision", "%q: give %s or %s", in.Decision, policy.OrderApprove, policy.OrderDeny)
	}
	normal := trust.NormalizeCode(code)
	if normal == "" {
		return nil, api.Errorf(api.CodeInvalid, "code", "%q is no code", code).WithRemedy("give the six digits on the machine's screen, such as 482-913")
	}
	var out *api.Ordered
	err := s.change(ctx, who, func(x store.Tx, seen world) error {
		all, err := s.waiting(x)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(w waiting) bool { return seen.look(osd.KindBox, w.box.ID) == nil })
		w, err := pick(all, normal, in.Box)
		if err != nil {
			return err
		}
		if err := seen.need(osd.Deploy, seen.byID(osd.KindBox, w.box.ID)); err != nil {
			return err
		}
		// The box ends the order by its own clock, which may stand before or behind
		// ours. It knows itself when the machine waits no longer.
		now := s.now().UTC().Truncate(time.Second)
		ends := now.Add(w.life())
		if w.ExpiresAt.After(ends) {
			ends = w.ExpiresAt.UTC()
		}
		o := policy.Order{ID: "order-" + strings.ToLower(rand.Text()), Kind: in.Decision, Approval: w.ID, By: who, IssuedAt: now, ExpiresAt: ends}
		out = &api.Ordered{Boxes: []string{w.Box}, Computers: []string{w.Computer}, ExpiresAt: ends}
		if err := x.AddOrder(store.Order{Order: o, Box: w.box.ID}); err != nil {
			return err
		}
		return s.audit(x, who, in.Decision, fmt.Sprintf("%s %q", osd.KindBox, w.Box), fmt.Sprintf("%s: code %s, computer %q (%s), advertisement %q%s",
			o.ID, w.Code, w.Computer, strings.Join(w.Identity.MACs, " "), w.Advertisement, prefixed("; ", w.AboutTPM())))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// pick finds the one machine that shows a code, at any box or at a certain one.
func pick(all []waiting, code, box string) (*waiting, error) {
	var found []*waiting
	var where []string
	for i := range all {
		if w := &all[i]; w.Code == code && (box == "" || w.Box == box || w.box.ID == box) {
			found, where = append(found, w), append(where, w.Box)
		}
	}
	switch {
	case len(found) == 0:
		return nil, api.Errorf(api.CodeNotFound, code, "no machine waits under this code").
			WithRemedy("see `bootward computer pending`, and compare with the machine's screen: a code ends after a quarter of an hour, and when the machine is started again")
	case len(found) > 1:
		return nil, api.Errorf(api.CodeConflict, code, "machines at %s show this code", strings.Join(where, " and at ")).WithRemedy("name the box with --at-box")
	case found[0].Decision != "":
		return nil, api.Errorf(api.CodeConflict, code, "it was decided before: %s by %s", found[0].Decision, found[0].Who)
	}
	return found[0], nil
}

// maxPending bounds what is kept of a check-in.
const maxPending = 64

// checkPending drops what no box says, and cuts long texts: people read it, and
// decide by it.
func checkPending(all []api.PendingApproval) []api.PendingApproval {
	all = slices.DeleteFunc(all, func(p api.PendingApproval) bool {
		return p.ID == "" || len(p.ID) > 64 || p.Code == "" || trust.NormalizeCode(p.Code) != p.Code || checkTime(p.AskedAt) != nil || checkTime(p.ExpiresAt) != nil
	})
	all = all[:min(len(all), maxPending)]
	for i := range all {
		p := &all[i]
		p.Identity.Inventory = nil
		p.Identity.MACs = p.Identity.MACs[:min(len(p.Identity.MACs), maxAdapters)]
		cutAll(p.Identity.MACs)
		cut(maxText, &p.Computer, &p.Advertisement, &p.Sequence, &p.Version, &p.PlaceOf, &p.TPM, &p.TPMWas, &p.Why, &p.Decision, &p.Who, &p.Identity.SMBIOSGUID,
			&p.Identity.SerialNumber, &p.Identity.Manufacturer, &p.Identity.Model, &p.Identity.AssetTag)
	}
	return all
}

func (s *Site) getPending(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Pending(r.Context(), c.person)
	return answer(w, out, err)
}

func (s *Site) postDecision(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.SiteDecision
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.DecideApproval(r.Context(), c.person, r.PathValue("code"), in)
	return answer(w, out, err)
}
