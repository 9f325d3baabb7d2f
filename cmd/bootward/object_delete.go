package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newDelete(a *app, k osd.Kind) *cobra.Command {
	var sure sureOptions
	c := &cobra.Command{Use: "delete NAME", Short: "Delete one of the " + plural(k) + ", after a question; refused while something refers to it",
		Example: fmt.Sprintf("  bootward %s delete %q", word(k), exampleName(k)), Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runDelete(c.Context(), a, k, sure, args[0]) }}
	sure.flags(c)
	c.ValidArgsFunction = a.names(k)
	return c
}

func runDelete(ctx context.Context, a *app, k osd.Kind, o sureOptions, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	err = a.sure(ctx, o, word(k)+" delete", func(w io.Writer) error {
		plan, err := s.Deletion(ctx, string(k), name)
		if err != nil {
			return named(err, k, name)
		}
		return printChanges(w, plan.Changes)
	})
	if err != nil {
		return err
	}
	if err := s.Delete(ctx, string(k), name); err != nil {
		return named(err, k, name)
	}
	return a.print(map[string]string{"deleted": name}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s %q is deleted.\n", k, name)
		return err
	})
}
