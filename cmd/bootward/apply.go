package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
)

type applyOptions struct {
	files  []string
	dryRun bool
	// machines is the number that was typed; -1: none.
	machines      int
	acceptMissing bool
}

func newApply(a *app) *cobra.Command {
	var o applyOptions
	c := &cobra.Command{Use: "apply -f FILE|DIR", Short: "Put objects of YAML files in place, all or none", GroupID: taskObjects,
		Long:    "Put the objects of YAML files in place: all of them, or none when anything is wrong. Objects that are not\nnamed stay as they are. The plan says what is created and updated, and which machines may be erased.",
		Example: "  bootward apply -f examples/ward --dry-run\n  bootward computer show ward7-pc1 | sed s/UEFI/BIOS/ | bootward apply -f -", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runApply(c.Context(), a, o) }}
	c.Flags().StringArrayVarP(&o.files, "file", "f", nil, "a YAML file, a folder of *.yaml and *.yml, or - for standard input; may be given more than once")
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.Flags().IntVar(&o.machines, "machines", -1, "number of machines that a mandatory advertisement to All Systems or Unknown Computers may erase")
	c.Flags().BoolVar(&o.acceptMissing, "accept-missing", false, "take advertisements although boxes lack content for them: their machines get nothing until it is copied")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	return c
}

func runApply(ctx context.Context, a *app, o applyOptions) error {
	if len(o.files) == 0 {
		return &usageError{errors.New("apply: give -f FILE or -f DIR")}
	}
	in := api.Apply{DryRun: o.dryRun, AcceptMissing: o.acceptMissing}
	for _, f := range o.files {
		docs, err := readDocuments(f, a.in)
		if err != nil {
			return fmt.Errorf("apply: %w", err)
		}
		in.Documents = append(in.Documents, docs...)
	}
	if o.machines >= 0 {
		in.Machines = &o.machines
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Apply(ctx, in)
	var refused *api.Error
	if errors.As(err, &refused) && len(refused.Changes) > 0 { // a dry run: what would be done, and then why it would not
		out = api.Applied{Changes: refused.Changes, DryRun: true}
	} else if err != nil {
		return err
	}
	return errors.Join(a.print(out, func(w io.Writer) error { return printApplied(w, out) }), err)
}

func printApplied(w io.Writer, out api.Applied) error {
	if err := printChanges(w, out.Changes); err != nil {
		return err
	}
	count := map[string]int{}
	for _, c := range out.Changes {
		count[c.Action]++
	}
	end := "done"
	if out.DryRun {
		end = "nothing was changed (dry run)"
	}
	deleted := ""
	if n := count["delete"]; n > 0 {
		deleted = fmt.Sprintf("%d to delete, ", n)
	}
	_, err := fmt.Fprintf(w, "%d to create, %d to update, %s%d unchanged: %s\n", count["create"], count["update"], deleted, count["unchanged"], end)
	return err
}

func printChanges(w io.Writer, changes []api.Change) error {
	for _, c := range changes {
		if _, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-9s  %s %q  %s", c.Action, c.Kind, plain(c.Name), c.ID), " ")); err != nil {
			return err
		}
		for _, n := range c.Notes {
			if _, err := fmt.Fprintf(w, "           %s\n", plain(n)); err != nil {
				return err
			}
		}
	}
	return nil
}
