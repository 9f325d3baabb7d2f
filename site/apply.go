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
// the same documents again changes nothing.
func (s *Site) Apply(ctx context.Context, who string, in api.Apply) (*api.Applied, error) {
	objects, err := readDocuments(in.Documents)
	if err != nil {
		return nil, err
	}
	return s.carry(ctx, who, in.DryRun, func(x store.Tx, w world) (*plan, error) {
		p, wishes, err := s.plan(x, w, objects, in)
		if err != nil {
			return nil, err
		}
		p.last = func() error { return s.issueAll(x, who, wishes) }
		return p, nil
	})
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

func (s *Site) plan(x store.Tx, w world, objects []written, in api.Apply) (*plan, []wish, error) {
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
