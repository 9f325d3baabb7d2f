package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func newDistribute(a *app, k osd.Kind) *cobra.Command {
	var in api.Distribute
	var sure sureOptions
	c := &cobra.Command{Use: "distribute NAME --box BOX|--all", Short: "Assign content to boxes, which then keep a copy, or take it away from them",
		Long: "Assigned content is copied to the boxes whether an advertisement uses it or not, and stays there. Without\n" +
			"an assignment a box copies what is advertised to its machines. `bootward content status` says how far it is.",
		Example: fmt.Sprintf("  bootward %[1]s distribute %[2]q --box ward7-box\n  bootward %[1]s distribute %[2]q --all --remove", word(k), exampleName(k)), Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return runDistribute(c.Context(), a, k, sure, in, args[0])
		}}
	c.Flags().StringArrayVar(&in.Boxes, "box", nil, "this box; may be given more than once")
	c.Flags().BoolVar(&in.All, "all", false, "every box, also those that come later")
	c.Flags().BoolVar(&in.Remove, "remove", false, "take it away from the boxes, or from all; what is advertised there stays")
	sure.flags(c)
	c.ValidArgsFunction = a.names(k)
	complete(c, "box", a.names(osd.KindBox))
	return c
}

func runDistribute(ctx context.Context, a *app, k osd.Kind, o sureOptions, in api.Distribute, name string) error {
	if in.All == (len(in.Boxes) > 0) {
		return &usageError{errors.New(word(k) + " distribute: give either --box BOX, or --all")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	o.yes = o.yes || !in.Remove // a copy more does no harm
	err = a.sure(ctx, o, word(k)+" distribute", func(w io.Writer) error {
		all, err := s.ContentStatus(ctx, name)
		if err != nil {
			return named(err, k, name)
		}
		return printRemoval(w, k, in, name, all)
	})
	if err != nil {
		return err
	}
	out, err := s.Distribute(ctx, string(k), name, in)
	if err != nil {
		return named(err, k, name)
	}
	return a.print(out, func(w io.Writer) error {
		text := fmt.Sprintf("%s %q is assigned to no box", k, out.Name)
		switch {
		case len(out.Boxes) == 1 && out.Boxes[0] == osd.AllBoxes:
			text = fmt.Sprintf("%s %q is assigned to every box", k, out.Name)
		case len(out.Boxes) > 0:
			text = fmt.Sprintf("%s %q is assigned to %s", k, out.Name, strings.Join(out.Boxes, ", "))
		}
		return printLines(w, append([]string{text}, out.Notes...))
	})
}

// printRemoval says from where content is taken away, and where it lies now.
func printRemoval(w io.Writer, k osd.Kind, in api.Distribute, name string, all []api.ContentStatus) error {
	from := "every box"
	if !in.All {
		from = strings.Join(in.Boxes, ", ")
	}
	if _, err := fmt.Fprintf(w, "%s %q is taken away from %s; what is advertised there stays. It lies at:\n", k, plain(name), plain(from)); err != nil {
		return err
	}
	return printContentStatus(w, slices.DeleteFunc(all, func(c api.ContentStatus) bool { return c.Kind != string(k) }))
}
