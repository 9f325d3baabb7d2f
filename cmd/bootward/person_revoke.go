package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newPersonRevoke(a *app) *cobra.Command {
	var sure sureOptions
	c := &cobra.Command{Use: "revoke NAME", Short: "Void every token and certificate of a person, after a question",
		Long:    "Void every token and certificate of a person, at the site at once, at boxes with their next policy.\nThe person stays; `bootward person token` lets him in again.",
		Example: "  bootward person revoke ben", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonRevoke(c.Context(), a, sure, args[0]) }}
	sure.flags(c)
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonRevoke(ctx context.Context, a *app, o sureOptions, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	err = a.sure(ctx, o, "person revoke", func(w io.Writer) error {
		all, err := s.Credentials(ctx, name)
		if err != nil {
			return named(err, osd.KindPerson, name)
		}
		if _, err := fmt.Fprintf(w, "%d tokens and certificates of %s become void:\n", len(all.Credentials), plain(all.Person)); err != nil {
			return err
		}
		return printCredentials(w, all)
	})
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
