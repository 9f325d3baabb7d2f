package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

type grantOptions struct {
	machines  int
	computers []string
}

func newGrant(a *app) *cobra.Command {
	var o grantOptions
	c := &cobra.Command{Use: "grant NAME --machines N", Short: "Allow a mandatory advertisement to erase its machines once more",
		Long:    "Issue the grants of a mandatory advertisement anew: each machine may be erased once more.\nNeeded after the task sequence changed, after a box lost its data, and to repeat a run.",
		Example: "  bootward advertisement grant \"Ward 7 gets Debian 12\" --computer ward7-pc1 --machines 1", Args: exactly("NAME"),
		RunE: func(c *cobra.Command, args []string) error { return runGrant(c.Context(), a, o, args[0]) }}
	c.Flags().IntVar(&o.machines, "machines", -1, "number of machines that you confirm will be erased")
	c.Flags().StringArrayVar(&o.computers, "computer", nil, "only this computer; may be given more than once")
	c.ValidArgsFunction = a.names(osd.KindAdvertisement)
	complete(c, "computer", a.names(osd.KindComputer))
	return c
}

func runGrant(ctx context.Context, a *app, o grantOptions, name string) error {
	if o.machines < 0 {
		return &usageError{fmt.Errorf("advertisement grant: confirm the number of machines that will be erased with --machines N")}
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Grant(ctx, name, api.GrantAgain{ConfirmedMachines: o.machines, Computers: o.computers})
	var e *api.Error
	if errors.As(err, &e) && e.Object == name {
		return named(err, osd.KindAdvertisement, name)
	}
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d machines may be erased once: %s\n", len(out.Computers), strings.Join(out.Computers, ", "))
		return err
	})
}
