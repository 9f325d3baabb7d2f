package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newBoxToken(a *app) *cobra.Command {
	return &cobra.Command{Use: "token NAME", Short: "Make a one-time enrolment token for a box",
		Example: "  bootward box token ward7-box --json | jq -r .token > enrol.token", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runBoxToken(c.Context(), a, args[0]) }}
}

func runBoxToken(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	t, err := s.Token(ctx, name)
	if err != nil {
		return err
	}
	return a.print(t, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", t.Token)
		if err == nil {
			_, err = fmt.Fprintf(a.err, "Good once, for box %q, until %s. Earlier unused tokens of the box are void.\n", t.Box, clock(t.ExpiresAt))
		}
		return err
	})
}
