package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func newPersonCredentials(a *app) *cobra.Command {
	c := &cobra.Command{Use: "credentials NAME", Short: "List the tokens and certificates with which a person can sign in",
		Long:    "List the tokens and certificates with which a person can sign in now: when each was made and by whom, and when it\nends. What would prove anything is not shown: the site does not have it.",
		Example: "  bootward person credentials ben", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runPersonCredentials(c.Context(), a, args[0]) }}
	c.ValidArgsFunction = a.names(osd.KindPerson)
	return c
}

func runPersonCredentials(ctx context.Context, a *app, name string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	all, err := s.Credentials(ctx, name)
	if err != nil {
		return named(err, osd.KindPerson, name)
	}
	return a.print(all, func(w io.Writer) error { return printCredentials(w, all) })
}

func printCredentials(w io.Writer, all api.Credentials) error {
	if all.Disabled {
		if _, err := fmt.Fprintf(w, "# %s is disabled: none of these counts until that is taken back\n", plain(all.Person)); err != nil {
			return err
		}
	}
	t := newTable("KIND", "SERIAL", "MADE", "BY", "ENDS")
	for _, c := range all.Credentials {
		ends := clock(c.ExpiresAt)
		if c.ExpiresAt.IsZero() {
			ends = "when the next is made"
		}
		t.row(c.Kind, cmp.Or(c.Serial, "-"), clock(c.MadeAt), cmp.Or(c.MadeBy, "-"), ends)
	}
	return t.write(w)
}
