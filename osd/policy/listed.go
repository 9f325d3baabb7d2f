package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// Listed are the packages that a machine's variables list for a sequence (AA001 holds
// Package:Program), and what is wrong with the lists: then the machine would fail at the end of
// its deployment, so it does not begin one. Lists that the sequence makes while it runs are for
// the step to judge.
func (e *Evaluator) Listed(q *Sequence, variables map[string]string) (packages []osd.Package, faults []string) {
	if len(q.Lists) == 0 {
		return nil, nil
	}
	return e.listed(q, q.variables(), variables)
}

// listed is Listed with the variables of the sequence, which are read once for many machines.
func (e *Evaluator) listed(q *Sequence, own, variables map[string]string) (packages []osd.Package, faults []string) {
	env := environment(own, variables)
	all := env.All()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.ContainsFunc(q.Lists, func(base string) bool { return sequence.InList(base, name) }) {
			continue
		}
		value, err := env.Expand(all[name])
		if err == nil && (strings.TrimSpace(value) == "" || strings.Contains(value, "%")) {
			continue
		}
		p, fault := e.entry(name, value, err)
		if fault != "" {
			faults = append(faults, fault)
		} else if !slices.ContainsFunc(packages, func(o osd.Package) bool { return o.ID == p.ID }) {
			packages = append(packages, *p)
		}
	}
	return packages, faults
}

// entry finds the package of an entry, or says what is wrong with it.
func (e *Evaluator) entry(name, value string, err error) (*osd.Package, string) {
	if err != nil {
		return nil, fmt.Sprintf("variable %s: %v", name, err)
	}
	one, err := sequence.ParseEntry(name, value)
	if err != nil {
		return nil, err.Error()
	}
	i := slices.IndexFunc(e.s.Packages, func(p osd.Package) bool { return p.Name == one.Package })
	if i < 0 {
		i = slices.IndexFunc(e.s.Packages, func(p osd.Package) bool { return p.ID == one.Package })
	}
	switch {
	case i < 0:
		return nil, fmt.Sprintf("variable %s lists package %q, which is not in this box's policy: correct the variable, or import the package at the site", name, one.Package)
	case e.s.Packages[i].Program(one.Program) == nil:
		return nil, fmt.Sprintf("variable %s lists program %q, which package %q has not: correct the variable, or add the program to the package", name, one.Program, one.Package)
	}
	return &e.s.Packages[i], ""
}

// variables are those of the sequence itself.
func (q *Sequence) variables() map[string]string {
	var own struct {
		Variables map[string]string `json:"variables"`
	}
	if json.Unmarshal(q.Document, &own) != nil {
		return nil
	}
	return own.Variables
}

// environment holds the variables of a sequence and, before them, those of a machine. Names that
// are wrong are left out: the agent refuses them.
func environment(own, variables map[string]string) *sequence.Environment {
	env := sequence.NewEnvironment()
	for _, set := range []map[string]string{own, variables} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			_ = env.Set(name, set[name])
		}
	}
	return env
}

// lacksListed lists, by computer, what lists of a sequence need that is not at the box.
func (e *Evaluator) lacksListed(seq Sequence, collection string, complete func(manifest string) bool, now time.Time) []string {
	if len(seq.Lists) == 0 {
		return nil
	}
	var lacks []string
	own := seq.variables()
	for _, c := range e.Members(collection, now) {
		d := Decision{Computer: c, Collections: e.Collections(c, nil, now)}
		packages, faults := e.listed(&seq, own, e.Variables(&d))
		for _, p := range packages {
			if p.Manifest == "" || !complete(p.Manifest) {
				faults = append(faults, fmt.Sprintf("package %s, which its variables list, is not complete at the box", p.Name))
			}
		}
		for _, f := range faults {
			lacks = append(lacks, fmt.Sprintf("computer %s: %s", c.Name, f))
		}
	}
	return lacks
}
