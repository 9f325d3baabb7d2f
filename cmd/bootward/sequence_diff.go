package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd/sequence/diff"
)

func newSequenceDiff(a *app) *cobra.Command {
	c := &cobra.Command{Use: "diff OLD NEW", Short: "Compare two task sequences step by step: files, or names at the site",
		Long: "Compare two task sequences step by step: what was added (+), removed (-), changed (~) and moved (>), field by field.\n" +
			"Each of the two is a file or a name at the site, as in show; XML is imported first.\n\n" +
			"Exit codes: 0 they are equal, 1 they differ.",
		Example: "  bootward sequence diff \"Ward PC, Debian 12\" ward.yaml\n  bootward sequence diff old.yaml new.yaml", Args: exactly("OLD", "NEW"),
		ValidArgsFunction: func(c *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.sequences(c, args, start)
		},
		RunE: func(c *cobra.Command, args []string) error {
			return runSequenceDiff(c.Context(), a, args[0], args[1])
		}}
	return c
}

func runSequenceDiff(ctx context.Context, a *app, before, after string) error {
	if before == "-" && after == "-" {
		return &usageError{errors.New("diff: standard input can be read once: give a file for one of the two")}
	}
	one, _, err := a.sequence(ctx, before)
	if err != nil {
		return err
	}
	two, _, err := a.sequence(ctx, after)
	if err != nil {
		return err
	}
	changes := diff.Compare(one, two)
	if err := a.print(append([]diff.Change{}, changes...), func(w io.Writer) error { return printDiff(w, changes) }); err != nil {
		return err
	}
	if len(changes) > 0 {
		return exitCode(exitFailed)
	}
	return nil
}

func printDiff(w io.Writer, changes []diff.Change) error {
	width := 80
	var color diff.Color
	if terminal(w) {
		color = colored
		if columns := terminalWidth(w); columns > 0 {
			width = columns
		}
	}
	for _, line := range diff.Text(changes, width, color) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// colored are the colours of a terminal: green, red, yellow, cyan.
func colored(op diff.Op, text string) string {
	code := map[diff.Op]string{diff.Added: "32", diff.Removed: "31", diff.Changed: "33", diff.Moved: "36"}[op]
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
