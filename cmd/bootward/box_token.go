package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newBoxToken(a *app) *cobra.Command {
	c := &cobra.Command{Use: "token NAME", Short: "Make a one-time enrolment token for a box",
		Example: "  bootward box token ward7-box > enrol.token", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runBoxToken(c.Context(), a, args[0]) }}
	c.ValidArgsFunction = a.names(osd.KindBox)
	return c
}

func runBoxToken(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	t, err := s.Token(ctx, name)
	if err != nil {
		return named(err, osd.KindBox, name)
	}
	return a.print(t, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", t.Token)
		if err == nil {
			_, err = fmt.Fprintf(a.err, "Good once, for box %q, until %s. Earlier unused tokens of the box are void.\n", t.Box, clock(t.ExpiresAt))
		}
		return err
	})
}
