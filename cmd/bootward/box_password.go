package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

type boxPasswordOptions struct {
	valueOptions
	sure   sureOptions
	remove bool
}

func newBoxPassword(a *app) *cobra.Command {
	var o boxPasswordOptions
	c := &cobra.Command{Use: "password NAME [--remove]", Short: "Give a box a PXE password, or take it away",
		Long: "Give a box a PXE password: whoever wants to choose a deployment at a machine types it. It has 8 characters at least, is\n" +
			"asked for, twice and without echo, and checked by the box: nothing that is served before depends on it.",
		Example: "  bootward box password ward7-box\n  bootward box password ward7-box --remove", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runBoxPassword(c.Context(), a, o, args[0]) }}
	o.flags(c)
	c.Flags().BoolVar(&o.remove, "remove", false, "take the password away")
	o.sure.flags(c)
	c.ValidArgsFunction = a.names(osd.KindBox)
	return c
}

func runBoxPassword(ctx context.Context, a *app, o boxPasswordOptions, name string) error {
	if o.remove && o.file != "" {
		return &usageError{errors.New("box password: give --remove or --file, not both")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	password, said := "", "Box %q asks for no PXE password any more, as soon as it has its new policy."
	if o.remove {
		err := a.sure(ctx, o.sure, "box password", func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "Whoever stands at a machine of box %q may choose a deployment there, without a password.\n", name)
			return err
		})
		if err != nil {
			return err
		}
	} else {
		said = "Box %q asks for the new PXE password as soon as it has its new policy."
		if password, err = a.value(ctx, o.valueOptions, fmt.Sprintf("PXE password of box %q", name)); err != nil {
			return err
		}
	}
	if err := s.SetPXEPassword(ctx, name, password); err != nil {
		return named(err, osd.KindBox, name)
	}
	return a.done(name, said, name)
}
