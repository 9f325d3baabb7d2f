package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

const (
	defaultGrantDays = 14
	day              = 24 * time.Hour
)

func (s *Site) issueAll(x store.Tx, who string, wishes []wish) error {
	for _, w := range wishes {
		if err := s.issue(x, who, w); err != nil {
			return err
		}
	}
	return nil
}

// issue keeps a new grant, unbound: it is bound to the state of the box, and
// signed, when policy is next made for the box.
func (s *Site) issue(x store.Tx, who string, w wish) error {
	now := s.now().UTC().Truncate(time.Second)
	from := now
	if start := w.advertisement.StartTime(); start.After(now) {
		from = start.UTC()
	}
	settings, err := settingsOf(x)
	if err != nil {
		return err
	}
	// The agent compares them with its machine: what identifies nobody allows nothing.
	macs, _ := labels(w.computer)
	macs, guid := slices.DeleteFunc(macs, settings.Shared), settings.GUID(w.computer.SMBIOSGUID)
	g := store.Grant{Box: w.box.ID, Grant: policy.Grant{
		ID: "grant-" + strings.ToLower(rand.Text()), Computer: w.computer.ID, ComputerName: w.computer.Name,
		Advertisement: w.advertisement.ID, Sequence: w.digest, MACs: macs, SMBIOSGUID: guid, IssuedBy: who, IssuedAt: now,
		ExpiresAt:              from.Add(time.Duration(cmp.Or(w.advertisement.GrantDays, defaultGrantDays)) * day),
		SecretsWithoutApproval: w.advertisement.SecretsWithoutApproval,
	}}
	secrets := ""
	if g.SecretsWithoutApproval {
		secrets = ", secrets without approval"
	}
	return errors.Join(x.AddGrant(g), s.audit(x, who, "grant", fmt.Sprintf("%s %q", osd.KindComputer, w.computer.Name),
		fmt.Sprintf("%s: advertisement %q, box %q, until %s%s", g.ID, w.advertisement.Name, w.box.Name, g.ExpiresAt.Format(time.RFC3339), secrets)))
}

// bind signs the grants of a box that have not been bound, to its state.
func (s *Site) bind(x store.Tx, b store.Box) error {
	grants, err := x.Grants(store.GrantFilter{Box: b.ID})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Envelope != nil || !s.now().Before(g.ExpiresAt) {
			continue
		}
		g.StateID = b.StateID
		payload, err := json.Marshal(g.Grant)
		if err != nil {
			return err
		}
		envelope, err := json.Marshal(trust.Sign(trust.TypeGrant, payload, s.keys.Signing))
		if err != nil {
			return err
		}
		if err := x.BindGrant(g.ID, b.StateID, envelope); err != nil {
			return err
		}
	}
	return nil
}

// GrantAgain issues grants of a mandatory advertisement anew: after a box lost
// its data, after the sequence changed, or after a failed run. The earlier
// grants of these computers are not in policy any longer.
func (s *Site) GrantAgain(ctx context.Context, who, advertisement string, in api.GrantAgain) (*api.Granted, error) {
	out := &api.Granted{Computers: []string{}}
	err := s.change(ctx, who, func(x store.Tx, w world) error {
		wishes, err := w.again(advertisement, in, s.now())
		if err != nil {
			return err
		}
		for _, one := range wishes {
			out.Computers = append(out.Computers, one.computer.Name)
		}
		return s.issueAll(x, who, wishes)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// again decides what GrantAgain issues.
func (w world) again(advertisement string, in api.GrantAgain, now time.Time) ([]wish, error) {
	a, ok := w.look(osd.KindAdvertisement, advertisement).(*osd.Advertisement)
	if !ok {
		return nil, api.Errorf(api.CodeNotFound, advertisement, "there is no advertisement of that name")
	}
	seq, c := w.runs(a.Sequence), w.collection(a.Collection)
	if c == nil || !needsGrants(a, seq) {
		return nil, api.Errorf(api.CodeRefused, title(a), "it needs no grants: only mandatory advertisements of sequences that erase disks do")
	}
	if !w.can(osd.Deploy, c) {
		return nil, forbidden(osd.Deploy, w.named(c))
	}
	if a.Ended(now) {
		return nil, api.Errorf(api.CodeRefused, title(a), "it ended at %s", a.ExpiryTime().UTC().Format(time.RFC3339)).WithRemedy("apply it with a later `expires`")
	}
	machines, err := choose(w.members(c), in.Computers, c.Name)
	if err != nil {
		return nil, err
	}
	if len(machines) != in.ConfirmedMachines {
		return nil, api.Errorf(api.CodeRefused, title(a), "%d machines would be erased, and %d are confirmed", len(machines), in.ConfirmedMachines).
			WithRemedy("look at them with `bootward collection show %q`, then confirm %d", c.Name, len(machines))
	}
	d, err := digest(seq)
	if err != nil {
		return nil, err
	}
	var out []wish
	for _, m := range machines {
		b, err := w.boxFor(m)
		if err != nil {
			return nil, api.Errorf(api.CodeRefused, title(a), "%v", err)
		}
		out = append(out, wish{m, b, a, d})
	}
	return out, nil
}

// mayIssue wants deploy on the collections of all grants: they are issued also
// when an advertisement is applied again that did not change.
func (w world) mayIssue(wishes []wish) error {
	for _, one := range wishes {
		if c := w.collection(one.advertisement.Collection); !w.can(osd.Deploy, c) {
			return forbidden(osd.Deploy, w.named(c))
		}
	}
	return nil
}

func choose(members []*osd.Computer, names []string, collection string) ([]*osd.Computer, error) {
	if len(names) == 0 {
		return members, nil
	}
	var out []*osd.Computer
	for _, n := range names {
		i := slices.IndexFunc(members, func(c *osd.Computer) bool { return c.Name == n || c.ID == n })
		if i < 0 {
			return nil, api.Errorf(api.CodeInvalid, fmt.Sprintf("Computer %q", n), "it is not in collection %q", collection).WithRemedy("`bootward collection members %q` lists those that are", collection)
		}
		if !slices.Contains(out, members[i]) {
			out = append(out, members[i])
		}
	}
	return out, nil
}
