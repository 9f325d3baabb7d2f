package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

const (
	// softLife is how long a box calls its policy fresh (docs/formats/policy.md).
	softLife = 14 * day
	// renewAfter is the age at which unchanged policy is issued anew, so that
	// a box that can reach its site is never stale.
	renewAfter = softLife / 2
	// MaxWait is the longest that a long poll for policy waits.
	MaxWait = 5 * time.Minute
)

// Version orders policy: epoch first.
type Version struct{ Epoch, Number uint64 }

// String is the form that stands in requests: EPOCH.NUMBER.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Epoch, v.Number) }

// ParseVersion reads EPOCH.NUMBER; empty is the version of a box that has
// none.
func ParseVersion(s string) (Version, error) {
	var v Version
	if s == "" {
		return v, nil
	}
	if n, err := fmt.Sscanf(s, "%d.%d", &v.Epoch, &v.Number); err != nil || n != 2 || v.String() != s {
		return Version{}, fmt.Errorf("policy version %q: give EPOCH.NUMBER", s)
	}
	return v, nil
}

// Policy is the newest signed policy of an enrolled box. It gets a new number
// only when its content changed, or when it grows old.
func (s *Site) Policy(ctx context.Context, box string) (store.Policy, error) {
	var p store.Policy
	fresh := false
	err := s.store.Read(ctx, func(x store.Tx) (err error) {
		w, err := s.loadWorld(x)
		if err != nil {
			return err
		}
		if err := s.keepWorld(x, w); err != nil {
			return err
		}
		p, fresh, err = s.current(x, box)
		return err
	})
	if err != nil || fresh {
		return p, err
	}
	err = s.store.Write(ctx, func(x store.Tx) (err error) {
		p, err = s.renew(x, box)
		return err
	})
	return p, err
}

// current returns the policy that is kept, and whether it says what is true
// now.
func (s *Site) current(x store.Tx, box string) (store.Policy, bool, error) {
	p, err := x.Policy(box)
	if errors.Is(err, store.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	grants, err := x.Grants(store.GrantFilter{Box: box})
	if err != nil {
		return p, false, err
	}
	for _, g := range grants {
		if g.Envelope == nil && s.now().Before(g.ExpiresAt) {
			return p, false, nil
		}
	}
	_, d, err := s.compiled(x, box, false)
	if errors.Is(err, errUnsealed) {
		return p, false, nil
	}
	return p, err == nil && d == p.Digest && s.now().Sub(p.IssuedAt) < renewAfter, err
}

// compiled makes the snapshot of a box as JSON without number and times, and
// its digest. In a Write it may seal what is not sealed to the box yet.
func (s *Site) compiled(x store.Tx, box string, write bool) (func(v Version, at time.Time) ([]byte, error), string, error) {
	w, err := s.loadWorld(x)
	if err != nil {
		return nil, "", err
	}
	b, ok := w.byID(osd.KindBox, box).(*osd.Box)
	if !ok {
		return nil, "", fmt.Errorf("box %s: %w", box, store.ErrNotFound)
	}
	grants, err := x.Grants(store.GrantFilter{Box: box})
	if err != nil {
		return nil, "", err
	}
	orders, err := x.Orders(box, s.now())
	if err != nil {
		return nil, "", err
	}
	snapshot, err := compile(w, b, s.code, grants, orders, s.now())
	if err != nil {
		return nil, "", err
	}
	if snapshot.Sealed, err = s.sealed(x, w, b, snapshot, write); err != nil {
		return nil, "", err
	}
	if snapshot.Epoch, err = x.Epoch(); err != nil {
		return nil, "", err
	}
	raw, err := json.Marshal(snapshot)
	if err != nil {
		return nil, "", fmt.Errorf("policy of %s: %w", title(b), err)
	}
	finish := func(v Version, at time.Time) ([]byte, error) {
		snapshot.Epoch, snapshot.Number = v.Epoch, v.Number
		snapshot.IssuedAt, snapshot.SoftExpiry = at, at.Add(softLife)
		return json.Marshal(snapshot)
	}
	return finish, content.Digest(raw), nil
}

// renew binds grants, compiles, and issues a new number if it must.
func (s *Site) renew(x store.Tx, box string) (store.Policy, error) {
	b, err := x.Box(box)
	if err != nil {
		return store.Policy{}, err
	}
	if err := s.bind(x, b); err != nil {
		return store.Policy{}, err
	}
	if p, fresh, err := s.current(x, box); err != nil || fresh {
		return p, err
	}
	finish, d, err := s.compiled(x, box, true)
	if err != nil {
		return store.Policy{}, err
	}
	p := store.Policy{Box: box, Digest: d, IssuedAt: s.now().UTC().Truncate(time.Second)}
	if p.Epoch, err = x.Epoch(); err != nil {
		return p, err
	}
	if p.Number, err = x.NextPolicyNumber(); err != nil {
		return p, err
	}
	payload, err := finish(Version{p.Epoch, p.Number}, p.IssuedAt)
	if err != nil {
		return p, err
	}
	if p.Envelope, err = json.Marshal(trust.Sign(trust.TypePolicy, payload, s.keys.Signing)); err != nil {
		return p, err
	}
	if err := x.PutPolicy(p); err != nil {
		return p, err
	}
	s.log.Info("policy issued", "box", box, "version", Version{p.Epoch, p.Number}.String(), "bytes", len(p.Envelope))
	return p, nil
}

// WaitPolicy returns the policy of a box as soon as it is not the one that
// the box has, or nil when the time has passed without that, or wanted is closed:
// the box is to hear of something else.
func (s *Site) WaitPolicy(ctx context.Context, box string, have Version, wait time.Duration, wanted <-chan struct{}) (*store.Policy, error) {
	timer := time.NewTimer(min(wait, MaxWait))
	defer timer.Stop()
	for {
		woken := s.changes.wait() // before the look, so that no change is missed
		p, err := s.Policy(ctx, box)
		if err != nil {
			return nil, err
		}
		if (Version{p.Epoch, p.Number}) != have {
			return &p, nil
		}
		if wait <= 0 || s.changes.isStopped() {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, nil
		case <-wanted:
			return nil, nil
		case <-woken:
		}
	}
}
