package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// outlined is a line of an outline.
type outlined struct {
	Number    int    `json:"number"`
	Depth     int    `json:"depth"`
	Name      string `json:"name"`
	Type      string `json:"type"`               // YAML key; question
	Variable  string `json:"variable,omitempty"` // of a question
	Condition string `json:"condition,omitempty"`
	Disabled  bool   `json:"disabled,omitempty"`
	Missing   string `json:"missing,omitempty"` // what this version lacks to run it
}

func newSequenceShow(a *app) *cobra.Command {
	var outline bool
	c := &cobra.Command{Use: "show NAME|FILE", Aliases: []string{"get"}, Short: "Show a task sequence of the site or of a file as YAML, which apply takes, or as an outline",
		Long: "Show a task sequence as YAML, which apply takes. With --outline: its questions, then one line for each group and\n" +
			"step, with the numbers that status reports give as last step. Those of sequences that it runs are among them.\n\n" +
			"What ends in .yaml or .yml, holds a slash, or is -, is a file, and needs no site; FILE#NAME is one of several in it.\n" +
			"Everything else is a name or an id at the site.",
		Example: "  bootward sequence show \"Ward PC, Debian 12\"\n  bootward sequence show ward.yaml --outline", Args: exactly("NAME|FILE"),
		ValidArgsFunction: a.sequences,
		RunE:              func(c *cobra.Command, args []string) error { return runSequenceShow(c.Context(), a, outline, args[0]) }}
	c.Flags().BoolVar(&outline, "outline", false, "one line for each group and step")
	return c
}

func runSequenceShow(ctx context.Context, a *app, outline bool, arg string) error {
	if !outline && !isFile(arg) {
		return runShow(ctx, a, osd.KindTaskSequence, arg)
	}
	s, find, err := a.sequence(ctx, arg)
	switch {
	case err != nil:
		return err
	case outline:
		whole, err := sequence.Inline(s, find)
		if err != nil {
			fmt.Fprintf(a.err, "%s; the numbers and questions are those of the sequence alone\n", plain(err.Error()))
			whole = s
		}
		return printOutline(a, whole)
	}
	raw, err := json.Marshal(s)
	if err != nil || a.json {
		return a.print(json.RawMessage(raw), nil)
	}
	return writeYAML(a.out, osd.KindTaskSequence, raw)
}

func printOutline(a *app, s *sequence.Sequence) error {
	var asked []outlined
	for _, q := range s.Questions {
		asked = append(asked, outlined{Name: q.Prompt, Type: "question", Variable: q.Variable})
	}
	lines := s.Flatten()
	all := make([]outlined, len(lines))
	for i, l := range lines {
		o := outlined{Number: l.Number, Name: l.Name(), Type: "group"}
		if l.Parent > 0 {
			o.Depth = all[l.Parent-1].Depth + 1
		}
		if g := l.Node.Group; g != nil {
			o.Condition, o.Disabled = g.Condition.String(), g.Disabled
			if g.Runs != "" {
				o.Type = string(sequence.TypeRunTaskSequence)
			}
		} else {
			common, t := l.Node.Step.Common(), l.Node.Step.Type()
			o.Type, o.Condition, o.Disabled, o.Missing = string(t), common.Condition.String(), common.Disabled, t.Missing()
		}
		all[i] = o
	}
	all = append(asked, all...)
	return a.print(all, func(w io.Writer) error {
		t := newTable("STEP", "NAME", "TYPE", "WHERE")
		for _, o := range all {
			if o.Variable != "" {
				t.row("", o.Name, o.Type, "sets "+o.Variable)
				continue
			}
			where := o.Condition
			if o.Disabled {
				where = strings.TrimSuffix("disabled; "+where, "; ")
			}
			t.row(fmt.Sprint(o.Number), strings.Repeat("  ", o.Depth)+o.Name, o.Type, where)
		}
		return t.write(w)
	})
}
