package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func newContentStatus(a *app) *cobra.Command {
	c := &cobra.Command{Use: "status [NAME]", Short: "Say which boxes hold the content of packages, images and boot images",
		Long: "One line for each box that is to hold it, because it is assigned there or advertised to its machines, by\n" +
			"what the box told at its last check-in: complete, missing, or unknown if it never checked in.",
		Example: "  bootward content status\n  bootward content status debian-12 --json", Args: atMostOne("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return runContentStatus(c.Context(), a, strings.Join(args, ""))
		}}
	c.ValidArgsFunction = a.contentNames
	return c
}

// contentNames completes with everything that has content.
func (a *app) contentNames(c *cobra.Command, args []string, start string) (all []cobra.Completion, d cobra.ShellCompDirective) {
	for _, k := range []osd.Kind{osd.KindImage, osd.KindPackage, osd.KindBootImage} {
		found, directive := a.names(k)(c, args, start)
		all, d = append(all, found...), directive
	}
	return all, d
}

func runContentStatus(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.ContentStatus(ctx, name)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printContentStatus(w, out) })
}

func printContentStatus(w io.Writer, all []api.ContentStatus) error {
	t := newTable("KIND", "NAME", "SIZE", "BOX", "ASSIGNED", "STATE", "LAST COPIED", "ADVERTISED BY")
	for _, c := range all {
		if len(c.Boxes) == 0 {
			t.row(c.Kind, c.Name, bytesText(c.Bytes), "-", "-", "-", "-", "")
		}
		for _, b := range c.Boxes {
			t.row(c.Kind, c.Name, bytesText(c.Bytes), b.Box, yes(b.Assigned), b.State, clock(b.Copied), strings.Join(b.UsedBy, ", "))
		}
	}
	return t.write(w)
}

// showDistribution is what `show` says of content, as a comment behind the
// document.
func showDistribution(ctx context.Context, a *app, raw json.RawMessage, w io.Writer) error {
	var m osd.Meta
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	all, err := s.ContentStatus(ctx, m.ID)
	if err != nil {
		return err
	}
	lines := []string{}
	for _, c := range all {
		for _, b := range c.Boxes {
			line := "# box " + b.Box + ": " + b.State
			if !b.Copied.IsZero() {
				line += ", copied " + clock(b.Copied)
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return printLines(w, lines)
}
