package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

type explainOptions struct {
	at, box, where, event string
	variables             bool
}

func newExplain(a *app) *cobra.Command {
	var o explainOptions
	c := &cobra.Command{Use: "explain COMPUTER", Short: "Say what a computer would get and why, and what it would not get and why not",
		Long:    "Evaluate the policy that the computer's box would be given now, as the box itself does, with what the site\nknows of earlier runs. Nothing is changed.",
		Example: "  bootward advertisement explain ward7-pc1\n  bootward advertisement explain ward7-pc1 --at 2026-12-24T02:00:00Z --box ward8-box",
		Args:    exactly("COMPUTER"),
		RunE:    func(c *cobra.Command, args []string) error { return runExplain(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.at, "at", "", "at this time, such as 2026-12-24T02:00:00Z (default now)")
	c.Flags().StringVar(&o.box, "box", "", "at this box (default the one that serves it)")
	c.Flags().StringVar(&o.where, "where", "", "bootMediaAndPXE (default) or runningClients")
	c.Flags().StringVar(&o.event, "event", "", "atLogon or atLogoff: somebody signs in or out")
	c.Flags().BoolVar(&o.variables, "variables", false, "show the task sequence variables that it would be given")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "box", a.names(osd.KindBox))
	complete(c, "where", words(osd.ToBootMediaAndPXE, osd.ToRunningClients))
	complete(c, "event", words(osd.AtLogon, osd.AtLogoff))
	return c
}

func runExplain(ctx context.Context, a *app, o explainOptions, computer string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	x, err := s.Explain(ctx, computer, o.at, o.box, o.where, o.event)
	if err != nil {
		return err
	}
	return a.print(x, func(w io.Writer) error { return printExplanation(w, x, o.variables) })
}

func printExplanation(w io.Writer, x policy.Explanation, variables bool) error {
	lines := []string{fmt.Sprintf("%s at box %s, %s", x.Computer, x.Box, clock(x.At))}
	for _, why := range x.Why {
		lines = append(lines, "  "+why)
	}
	lines = append(lines, "  collections: "+strings.Join(x.Collections, ", "))
	if variables {
		for _, name := range slices.Sorted(maps.Keys(x.Variables)) {
			lines = append(lines, fmt.Sprintf("  %s = %s", name, x.Variables[name]))
		}
	}
	lines = append(lines, "", "It gets, in this order:")
	for _, g := range x.Gets {
		lines = append(lines, "  "+got(g))
		if len(g.Options) > 0 {
			lines = append(lines, "    "+strings.Join(g.Options, "; "))
		}
	}
	if len(x.Gets) == 0 {
		lines = append(lines, "  nothing")
	}
	if len(x.GetsNot) > 0 {
		lines = append(lines, "", "It does not get:")
	}
	for _, g := range x.GetsNot {
		lines = append(lines, fmt.Sprintf("  %s: %s", g.Advertisement, g.Why))
	}
	return printLines(w, lines)
}

func got(g policy.Explained) string {
	text := fmt.Sprintf("%s (%s): %s", g.Advertisement, g.Sequence, g.Why)
	switch {
	case g.Mandatory && g.Destructive:
		text += "; it starts by itself and ERASES the machine, under " + g.Grant
	case g.Mandatory:
		text += "; it starts by itself"
	case g.Destructive:
		text += "; a person at the machine may choose it, and it erases the machine"
	default:
		text += "; a person at the machine may choose it"
	}
	if g.Approval != "" {
		text += "; a person compares a code first: " + g.Approval
	}
	return text
}
