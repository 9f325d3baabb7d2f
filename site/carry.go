package site

import (
	"context"
	"errors"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// propose is change; a dry run only reads.
func (s *Site) propose(ctx context.Context, who string, dryRun bool, f func(store.Tx, world) error) error {
	if dryRun {
		return s.see(ctx, who, f)
	}
	return s.change(ctx, who, f)
}

// carry makes a plan and carries it out, all or nothing, and says what changed. A
// dry run shows the plan and changes nothing.
func (s *Site) carry(ctx context.Context, who string, dryRun bool, prepare func(store.Tx, world) (*plan, error)) (*api.Applied, error) {
	out := &api.Applied{DryRun: dryRun}
	err := s.propose(ctx, who, dryRun, func(x store.Tx, w world) error {
		p, err := prepare(x, w)
		if err == nil && !dryRun {
			err = s.carryOut(x, who, p)
		}
		if err != nil {
			return err
		}
		out.Changes = changes(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// carryOut writes the plan: what goes is deleted first.
func (s *Site) carryOut(x store.Tx, who string, p *plan) error {
	for _, o := range p.gone {
		if err := errors.Join(x.DeleteObject(meta(o).ID), s.audit(x, who, "delete", title(o), meta(o).ID)); err != nil {
			return err
		}
	}
	for _, c := range p.steps {
		// Objects may swap names: free all the old ones first.
		if c.was != nil && c.was.ObjectName() != c.ObjectName() {
			if err := x.DeleteObject(meta(c.was).ID); err != nil {
				return err
			}
		}
	}
	if err := s.putSteps(x, who, "apply", p); err != nil {
		return err
	}
	if err := moveCredentials(x, p); err != nil || p.last == nil {
		return err
	}
	return p.last()
}

// putSteps writes the objects of a plan, each with its entry in the audit log.
func (s *Site) putSteps(x store.Tx, who, what string, p *plan) error {
	for _, c := range p.steps {
		if c.action == actionUnchanged {
			continue
		}
		if err := s.putStep(x, c); err != nil {
			return err
		}
		if err := s.audit(x, who, what, title(c), c.action+" "+meta(c.Object).ID+accepted(c.Object)); err != nil {
			return err
		}
	}
	return nil
}

// putStep writes one object of a plan; new ones get their ID.
func (s *Site) putStep(x store.Tx, c *step) error {
	if c.action == actionUnchanged {
		return nil
	}
	m := meta(c.Object)
	if m.ID == "" {
		id, err := x.NextID(s.code)
		if err != nil {
			return err
		}
		m.ID = id
	}
	r, err := encode(c.Object)
	if err != nil {
		return err
	}
	return x.PutObject(r)
}

// accepted is what the audit log says of an object besides that it was applied.
func accepted(o osd.Object) string {
	if a, ok := o.(*osd.Advertisement); ok && a.SecretsWithoutApproval {
		return "; secrets without approval"
	}
	return ""
}

// changes are what a plan does, for people.
func changes(p *plan) []api.Change {
	out := []api.Change{}
	for _, o := range p.gone {
		out = append(out, api.Change{Kind: string(o.ObjectKind()), Name: o.ObjectName(), ID: meta(o).ID, Action: actionDelete})
	}
	for _, c := range p.steps {
		m := meta(c.Object)
		out = append(out, api.Change{Kind: string(c.ObjectKind()), Name: m.Name, ID: m.ID, Action: c.action, Notes: c.notes})
	}
	return out
}
