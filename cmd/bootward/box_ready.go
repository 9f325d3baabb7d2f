package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

func newBoxReady(a *app) *cobra.Command {
	c := &cobra.Command{Use: "ready NAME", Short: "Say which deployments a box could finish if its line were cut now, and what others lack",
		Example: "  bootward box ready ward7-box", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runBoxReady(c.Context(), a, args[0]) }}
	c.ValidArgsFunction = a.names(osd.KindBox)
	return c
}

func runBoxReady(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Ready(ctx, name)
	if err != nil {
		return named(err, osd.KindBox, name)
	}
	return a.print(out, func(w io.Writer) error {
		t := newTable("READY", "ADVERTISEMENT", "SEQUENCE", "MACHINES", "GRANTED", "LACKS")
		for _, d := range out.Deployments {
			if d.WithLine {
				d.Lacks = append(d.Lacks, "until then it needs the line, over which that is fetched meanwhile")
			}
			t.row(yes(d.Ready), d.Advertisement, d.Sequence, fmt.Sprint(d.Machines), fmt.Sprint(d.Granted), strings.Join(d.Lacks, "; "))
		}
		for _, n := range out.Notes {
			if _, err := fmt.Fprintf(w, "# %s\n", plain(n)); err != nil {
				return err
			}
		}
		return t.write(w)
	})
}

func newBoxResume(a *app) *cobra.Command {
	c := &cobra.Command{Use: "resume NAME...", Short: "Let boxes go on that the wipe interlock stopped",
		Long:    "A box stops when more machines want to be erased than were confirmed. Look first: `bootward box list` says why.\nThe order travels in the box's policy; a box that is cut off hears of it within a day, or not at all.",
		Example: "  bootward box resume ward7-box", Args: atLeastOne("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return runOrder(c.Context(), a, api.Order{Kind: policy.OrderResume, Boxes: args})
		}}
	c.ValidArgsFunction = a.names(osd.KindBox)
	return c
}

func newClearPXE(a *app) *cobra.Command {
	var in api.Order
	c := &cobra.Command{Use: "clear-pxe [COMPUTER...]", Short: "Let computers run their mandatory advertisements again",
		Long: "A mandatory advertisement runs once on a machine. This clears that mark, at the boxes that serve the computers.\n" +
			"A sequence that erases disks needs a new grant besides: bootward advertisement grant.",
		Example: "  bootward computer clear-pxe ward7-pc1\n  bootward computer clear-pxe --collection \"Ward 7\"",
		RunE: func(c *cobra.Command, args []string) error {
			in.Kind, in.Computers = policy.OrderClearPXE, args
			if len(args) == 0 && in.Collection == "" {
				return &usageError{errors.New("computer clear-pxe: name computers, or a collection with --collection")}
			}
			return runOrder(c.Context(), a, in)
		}}
	c.Flags().StringVar(&in.Collection, "collection", "", "every computer of this collection")
	c.Flags().StringArrayVar(&in.Boxes, "at-box", nil, "at this box only; may be given more than once")
	c.ValidArgsFunction = a.names(osd.KindComputer)
	complete(c, "collection", a.names(osd.KindCollection))
	complete(c, "at-box", a.names(osd.KindBox))
	return c
}

func runOrder(ctx context.Context, a *app, in api.Order) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Order(ctx, in)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		text := fmt.Sprintf("told %s", strings.Join(out.Boxes, ", "))
		if len(out.Computers) > 0 {
			text += fmt.Sprintf(": %d computers (%s)", len(out.Computers), strings.Join(out.Computers, ", "))
		}
		_, err := fmt.Fprintf(w, "%s; good until %s\n", plain(text), clock(out.ExpiresAt))
		return err
	})
}

func newMembers(a *app) *cobra.Command {
	c := &cobra.Command{Use: "members NAME", Short: "List the machines that a collection holds", Example: "  bootward collection members \"Ward 7\"", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runMembers(c.Context(), a, args[0]) }}
	c.ValidArgsFunction = a.names(osd.KindCollection)
	return c
}

func runMembers(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	m, err := s.Members(ctx, name)
	if err != nil {
		return named(err, osd.KindCollection, name)
	}
	return a.print(m, func(w io.Writer) error { return printMembers(w, m, "") })
}

// printMembers lists the machines of a collection: those that a mandatory
// advertisement would reach. Behind a document each line begins as a comment does.
func printMembers(w io.Writer, m api.Members, before string) error {
	lines := []string{fmt.Sprintf("# %d machines", len(m.Computers))}
	if !m.Updated.IsZero() {
		lines[0] += ", queries evaluated at " + clock(m.Updated)
	}
	for _, warning := range m.Warnings {
		lines = append(lines, "# WARNING: "+warning.Text)
	}
	for _, c := range m.Computers {
		lines = append(lines, before+c)
	}
	return printLines(w, lines)
}
