package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/site/store"
)

// Apply puts the objects of YAML documents in place, all or none. Applying
// the same documents again changes nothing. A dry run shows the plan and
// changes nothing.
func (s *Site) Apply(ctx context.Context, who string, in api.Apply) (*api.Applied, error) {
	objects, err := readDocuments(in.Documents)
	if err != nil {
		return nil, err
	}
	out := &api.Applied{DryRun: in.DryRun}
	run := s.write
	if in.DryRun {
		run = s.store.Read
	}
	err = run(ctx, func(x store.Tx) error {
		p, wishes, err := s.plan(x, who, objects, in)
		if err != nil {
			return err
		}
		if !in.DryRun {
			if err := s.carryOut(x, who, p, wishes); err != nil {
				return err
			}
		}
		out.Changes = changes(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func readDocuments(docs []api.Document) ([]written, error) {
	var objects []written
	var errs document.Errors
	for _, d := range docs {
		found, err := document.Decode(d.File, []byte(d.YAML))
		if wrong := (document.Errors)(nil); errors.As(err, &wrong) {
			errs = append(errs, wrong...)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", d.File, err)
		}
		for _, o := range found {
			objects = append(objects, written{Object: o, file: d.File, yaml: []byte(d.YAML)})
		}
	}
	if len(errs) > 0 {
		return nil, problem(errs, api.CodeInvalid)
	}
	if len(objects) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "", "the documents hold no object").WithRemedy("give YAML documents that begin with `kind:`")
	}
	return objects, nil
}

func (s *Site) plan(x store.Tx, who string, objects []written, in api.Apply) (*plan, []wish, error) {
	w, err := s.loadWorld(x)
	if err != nil {
		return nil, nil, err
	}
	w = w.as(who)
	had, err := x.Grants(store.GrantFilter{})
	if err != nil {
		return nil, nil, err
	}
	p := makePlan(w, objects)
	switch {
	case p.forbidden:
		return nil, nil, problem(p.errs, api.CodeForbidden)
	case len(p.errs) > 0 && !w.administrator(): // further checks look at what he may not see
		return nil, nil, problem(p.errs, api.CodeInvalid)
	}
	p.typed = in.Machines
	kept, err := x.Secrets()
	if err != nil {
		return nil, nil, err
	}
	p.noteSecrets(kept)
	s.checkManifests(p)
	wishes, err := p.interlock(had, s.now())
	if err != nil {
		return nil, nil, err
	}
	said, err := checkIns(x)
	if err != nil {
		return nil, nil, err
	}
	p.checkContent(said, in.AcceptMissing)
	if len(p.errs) > 0 {
		return nil, nil, p.problem(in.DryRun, wishes)
	}
	if len(w.administrators()) > 0 && len(p.world.administrators()) == 0 {
		return nil, nil, lastAdministrator(title(p.firstOf(osd.KindPerson)))
	}
	return p, wishes, p.world.mayIssue(wishes)
}

// problem is why a plan is not carried out. Whoever only wanted to see it gets it
// with a refusal, too.
func (p *plan) problem(dryRun bool, wishes []wish) error {
	if !p.refused {
		return problem(p.errs, api.CodeInvalid)
	}
	e := problem(p.errs, api.CodeRefused)
	if dryRun && p.world.mayIssue(wishes) == nil {
		e.Changes = changes(p)
	}
	return e
}

// checkManifests refuses content that the site does not have.
func (s *Site) checkManifests(p *plan) {
	for _, c := range p.steps {
		k := contentOf(c.Object)
		if k == nil || k.Manifest == "" {
			continue
		}
		if _, err := s.content.Manifest(k.Manifest); err != nil {
			p.errs = append(p.errs, c.fault("manifest", "leave it out and import the content", "the site holds no content %s", k.Manifest))
		}
	}
}

// carryOut writes the plan. New objects get their IDs first, because grants
// name them.
func (s *Site) carryOut(x store.Tx, who string, p *plan, wishes []wish) error {
	for _, c := range p.steps {
		// Objects may swap names: free all the old ones first.
		if c.was != nil && c.was.ObjectName() != c.ObjectName() {
			if err := x.DeleteObject(meta(c.was).ID); err != nil {
				return err
			}
		}
	}
	for _, c := range p.steps {
		if c.action == actionUnchanged {
			continue
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
		if err := errors.Join(x.PutObject(r), s.audit(x, who, "apply", title(c), c.action+" "+m.ID+accepted(c.Object))); err != nil {
			return err
		}
	}
	for _, w := range wishes {
		if err := s.issue(x, who, w); err != nil {
			return err
		}
	}
	return moveCredentials(x, p)
}

// accepted is what the audit log says of an object besides that it was applied.
func accepted(o osd.Object) string {
	if a, ok := o.(*osd.Advertisement); ok && a.SecretsWithoutApproval {
		return "; secrets without approval"
	}
	return ""
}

// problem makes one API error of located errors, those of a file in the order of
// its lines.
func problem(errs document.Errors, code api.Code) *api.Error {
	errs = slices.Clone(errs)
	slices.SortStableFunc(errs, func(a, b *document.Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	if len(errs) == 1 {
		e := *errs[0]
		at := fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
		if e.Field != "" {
			at += ": " + e.Field
		}
		return api.Errorf(code, e.Object, "%s: %s", at, e.What).WithRemedy("%s", e.Remedy)
	}
	var objects []string
	for _, e := range errs {
		if e.Object != "" && (len(objects) == 0 || objects[len(objects)-1] != e.Object) {
			objects = append(objects, e.Object)
		}
	}
	return api.Errorf(code, strings.Join(objects, ", "), "%s", errs.Error()).WithRemedy("correct the %d places; nothing was changed", len(errs))
}
