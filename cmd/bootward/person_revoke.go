package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newPersonRevoke(a *app) *cobra.Command {
	c := &cobra.Command{Use: "revoke NAME", Short: "Void every token and certificate of a person",
		Long:    "Void every token and certificate of a person, at the site at once, at boxes with their next policy.\nThe person stays; `bootward person token` lets him in again.",
		Example: "  bootward person revoke ben", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonRevoke(c.Context(), a, args[0]) }}
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonRevoke(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	if err := s.Revoke(ctx, name); err != nil {
		return named(err, osd.KindPerson, name)
	}
	return a.print(map[string]string{"revoked": name}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Tokens and certificates of %s are void.\n", plain(name))
		return err
	})
}
