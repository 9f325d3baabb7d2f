package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/lint"
)

type lintOptions struct{ strict bool }

// located is a finding with its place.
type located struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Sequence string `json:"sequence"`
	lint.Finding
}

func newSequenceLint(a *app) *cobra.Command {
	var o lintOptions
	c := &cobra.Command{Use: "lint FILE...", Short: "Say what is wrong with task sequences in files, and what will not work",
		Long: "Read files as apply does, and give advice on each task sequence in them: what will fail on the machine (error),\n" +
			"what probably is not meant (warning), what is good to know (note). No site is needed. Variables of collections\n" +
			"and computers are known when their files are given too. docs/sequences.md lists the rules.\n\n" +
			"Exit codes: 0 nothing but notes and warnings, 1 errors, 2 with --strict: warnings, and no errors.",
		Example: "  bootward sequence lint ward.yaml\n  bootward sequence lint --strict examples/ward", Args: atLeastOne("FILE"),
		ValidArgsFunction: yamlFiles,
		RunE:              func(_ *cobra.Command, args []string) error { return runSequenceLint(a, o, args) }}
	c.Flags().BoolVar(&o.strict, "strict", false, "exit with 2 when there are warnings")
	return c
}

func runSequenceLint(a *app, o lintOptions, files []string) error {
	var found []located
	var wrong document.Errors
	read := map[string][]document.Placed{}
	for _, f := range files {
		placed, err := a.placedIn(f)
		if errs, ok := err.(document.Errors); ok {
			wrong = append(wrong, errs...)
		} else if err != nil {
			return fmt.Errorf("lint: %w", err)
		}
		read[f] = placed
	}
	for _, e := range wrong {
		found = append(found, located{e.File, e.Line, e.Column, e.Object, lint.Finding{Rule: "valid", Severity: lint.Error, Field: e.Field, Text: e.What, Remedy: e.Remedy}})
	}
	around, inner := lint.Around{Known: variablesOf(read)}, innerOf(read)
	sequences := 0
	for _, f := range files {
		for _, p := range read[f] {
			s, ok := p.Object.(*sequence.Sequence)
			if !ok {
				continue
			}
			sequences++
			around.Inner = inner[strings.ToLower(s.Name)]
			if f := together(s, read); f != nil {
				at := p.Where(f.Field)
				found = append(found, located{p.File, at.Line, at.Column, s.Name, *f})
			}
			for _, one := range lint.Lint(s, around) {
				at := p.Where(one.Field)
				found = append(found, located{p.File, at.Line, at.Column, s.Name, one})
			}
		}
	}
	if err := a.print(append([]located{}, found...), func(w io.Writer) error { return printFindings(w, found, sequences) }); err != nil {
		return err
	}
	return lintVerdict(o, found)
}

// lintVerdict is the exit code.
func lintVerdict(o lintOptions, found []located) error {
	all := make([]lint.Finding, len(found))
	for i, f := range found {
		all[i] = f.Finding
	}
	switch worst := lint.Worst(all); {
	case worst == lint.Error:
		return exitCode(exitFailed)
	case worst == lint.Warning && o.strict:
		return exitCode(exitUsage)
	}
	return nil
}

// together says what apply would refuse of a sequence with those that it runs, as far as they are in
// the files: circles, and questions that take different answers.
func together(s *sequence.Sequence, read map[string][]document.Placed) *lint.Finding {
	missing := false
	_, err := sequence.Inline(s, func(name string) *sequence.Sequence {
		for _, placed := range read {
			for _, p := range placed {
				if q, ok := p.Object.(*sequence.Sequence); ok && strings.EqualFold(q.Name, name) {
					return q
				}
			}
		}
		missing = true
		return nil
	})
	if err == nil || missing {
		return nil
	}
	return &lint.Finding{Rule: "valid", Severity: lint.Error, Field: "steps", Text: err.Error(), Remedy: "change one of the sequences"}
}

// innerOf are the sequences that others in the files run, by their names in lower case.
func innerOf(read map[string][]document.Placed) map[string]bool {
	inner := map[string]bool{}
	for _, placed := range read {
		for _, p := range placed {
			if s, ok := p.Object.(*sequence.Sequence); ok {
				for _, r := range s.References() {
					if r.Kind == osd.KindTaskSequence {
						inner[strings.ToLower(r.Name)] = true
					}
				}
			}
		}
	}
	return inner
}

// variablesOf are the names that collections and computers of the files set.
func variablesOf(read map[string][]document.Placed) []string {
	var names []string
	for _, placed := range read {
		for _, p := range placed {
			switch o := p.Object.(type) {
			case *osd.Collection:
				names = slices.AppendSeq(names, maps.Keys(o.Variables))
			case *osd.Computer:
				names = slices.AppendSeq(names, maps.Keys(o.Variables))
			}
		}
	}
	return names
}

func printFindings(w io.Writer, found []located, sequences int) error {
	count := map[lint.Severity]int{}
	for _, f := range found {
		count[f.Severity]++
		what := f.Text
		if f.Step != "" {
			what = f.Step + ": " + what
		} else if f.Rule == "valid" && f.Field != "" {
			what = f.Field + ": " + what
		}
		if _, err := fmt.Fprintf(w, "%s:%d:%d: %s: %s [%s]\n", f.File, f.Line, f.Column, f.Severity, plain(what), f.Rule); err != nil {
			return err
		}
		if f.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "    %s\n", plain(f.Remedy)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "task sequences: %d, errors: %d, warnings: %d, notes: %d\n", sequences, count[lint.Error], count[lint.Warning], count[lint.Note])
	return err
}
