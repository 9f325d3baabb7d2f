package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/computercsv"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/site/store"
)

// maxBadRows is how many bad rows an answer lists, previewRows how many good ones.
const (
	maxBadRows  = 200
	previewRows = 10
)

// ImportComputers puts the computers of a CSV file in place, all or none. With
// SkipBad those of the good rows are; a dry run shows what would happen.
func (s *Site) ImportComputers(ctx context.Context, who string, in api.ComputerImport) (*api.ComputerImported, error) {
	f, err := computercsv.Read([]byte(in.CSV), in.Columns)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, in.File, "%v", err)
	}
	var out *api.ComputerImported
	err = s.propose(ctx, who, in.DryRun, func(x store.Tx, w world) error {
		m := &computerImport{in: in, file: f, world: w, problems: slices.Clone(f.Problems)}
		p, err := m.plan()
		if err != nil {
			return err
		}
		out = m.report(p)
		if in.DryRun || len(m.problems) > 0 && !in.SkipBad {
			return nil
		}
		if err := s.putSteps(x, who, "import", p); err != nil {
			return err
		}
		return s.audit(x, who, "import", in.File, fmt.Sprintf("%d computers created, %d updated, %d unchanged, %d bad rows left out", out.Created, out.Updated, out.Unchanged, len(m.problems)))
	})
	return out, err
}

// computerImport is one import on its way.
type computerImport struct {
	in       api.ComputerImport
	file     *computercsv.File
	world    world
	problems []computercsv.Problem
	left     map[int]bool // lines that are left out
}

// plan makes the plan of all good rows. Rows that the site cannot take are noted
// and left out of a second try.
func (m *computerImport) plan() (*plan, error) {
	m.left = map[int]bool{}
	for {
		objects, err := m.objects()
		if err != nil {
			return nil, err
		}
		p := makePlan(m.world, objects)
		if len(p.errs) == 0 {
			return p, nil
		}
		before := len(m.left)
		for _, e := range p.errs {
			m.problems = append(m.problems, computercsv.Problem{Line: e.Line, Column: e.Field, What: e.What, Remedy: e.Remedy})
			m.left[e.Line] = true
		}
		if len(m.left) == before { // not a row's fault
			code := api.CodeInvalid
			if p.forbidden {
				code = api.CodeForbidden
			}
			return nil, problem(p.errs, code)
		}
	}
}

func (m *computerImport) objects() ([]written, error) {
	var objects []written
	var names []string
	for _, row := range m.file.Rows {
		if m.left[row.Line] {
			continue
		}
		c := row.Computer
		if c.Box == "" {
			c.Box = m.in.Box
		}
		if was, ok := m.world.kinds[osd.KindComputer][c.Name].(*osd.Computer); ok {
			keepComputer(&c, was)
		}
		objects = append(objects, written{Object: &c, file: m.in.File, line: row.Line})
		names = append(names, c.Name)
		if row.Source != "" {
			a := &osd.Association{Meta: osd.Meta{Name: row.Source + " to " + c.Name}, Source: row.Source, Destination: c.Name}
			objects = append(objects, written{Object: a, file: m.in.File, line: row.Line})
		}
	}
	if m.in.Collection == "" {
		return objects, nil
	}
	k, ok := m.world.kinds[osd.KindCollection][m.in.Collection].(*osd.Collection)
	if !ok || !m.world.can(osd.See, k) {
		return nil, api.Errorf(api.CodeNotFound, m.in.Collection, "there is no collection of that name that can have direct members").WithRemedy("apply it first")
	}
	joined := *k
	joined.Members = slices.Clone(k.Members)
	known := map[string]bool{}
	for _, n := range joined.Members {
		known[n] = true
	}
	for _, n := range names {
		if !known[n] {
			joined.Members = append(joined.Members, n)
		}
	}
	return append(objects, written{Object: &joined, file: m.in.File}), nil
}

// keepComputer carries over what the file says nothing of.
func keepComputer(c, was *osd.Computer) {
	merged := *was
	if len(c.MACs) > 0 {
		merged.MACs = c.MACs
	}
	for field, pair := range map[*string]string{&merged.SMBIOSGUID: c.SMBIOSGUID, &merged.Box: c.Box, &merged.Comment: c.Comment} {
		if pair != "" {
			*field = pair
		}
	}
	if len(c.Variables) > 0 {
		merged.Variables = c.Variables
	}
	*c = merged
}

func (m *computerImport) report(p *plan) *api.ComputerImported {
	slices.SortStableFunc(m.problems, func(a, b computercsv.Problem) int { return a.Line - b.Line })
	out := &api.ComputerImported{Rows: len(m.file.Rows) + len(badLines(m.file.Problems)), Columns: m.file.Columns, DryRun: m.in.DryRun, Bad: m.problems[:min(len(m.problems), maxBadRows)]}
	if more := len(m.problems) - maxBadRows; more > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d more problems are not listed", more))
	}
	for _, s := range p.steps {
		c, ok := s.Object.(*osd.Computer)
		if !ok {
			continue
		}
		switch s.action {
		case actionCreate:
			out.Created++
		case actionUpdate:
			out.Updated++
		default:
			out.Unchanged++
		}
		if len(out.Preview) < previewRows {
			out.Preview = append(out.Preview, *c)
		}
	}
	if len(m.problems) > 0 && !m.in.SkipBad {
		out.Notes = append(out.Notes, "nothing is imported while there are bad rows; correct them, or leave them out with --skip-bad")
		out.Refused = true
	}
	return out
}

func badLines(problems []computercsv.Problem) map[int]bool {
	lines := map[int]bool{}
	for _, p := range problems {
		lines[p.Line] = true
	}
	return lines
}

func (s *Site) postComputers(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.ComputerImport
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.ImportComputers(r.Context(), c.person, in)
	var wrong document.Errors
	if errors.As(err, &wrong) {
		err = problem(wrong, api.CodeInvalid)
	}
	return answer(w, out, err)
}
