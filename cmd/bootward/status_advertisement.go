package main

import (
	"context"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

func newStatusAdvertisement(a *app) *cobra.Command {
	c := &cobra.Command{Use: "advertisement NAME", Aliases: []string{"deployment"}, Short: "Where each machine of an advertisement is, with its last message (figure 9)",
		Example: "  bootward status advertisement \"Ward 7 gets Debian 12\"", Args: exactly("NAME"), RunE: a.atSite("advertisement", showAdvertisement)}
	a.status.flags(c)
	c.ValidArgsFunction = a.names(osd.KindAdvertisement)
	return c
}

func showAdvertisement(ctx context.Context, a *app, from statusSource, args []string) error {
	return a.show(ctx, from, url.Values{"advertisement": {args[0]}}, func() (view, error) {
		s, err := from.AdvertisementStatus(ctx, args[0])
		return view{s.Table(), s}, err
	})
}
