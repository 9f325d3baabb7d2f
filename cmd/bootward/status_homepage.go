package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newStatusHomepage(a *app) *cobra.Command {
	c := &cobra.Command{Use: "homepage", Short: "How many machines run, succeeded, failed: by advertisement (figure 8 of the guide)",
		Long:    "How many machines of each advertisement run, succeeded, failed, wait for approval, or were not heard of.\nA machine counts once, by its newest run.",
		Example: "  bootward status homepage --watch", Args: exactly(), RunE: a.atSite("homepage", showHomepage)}
	a.status.flags(c)
	return c
}

func showHomepage(ctx context.Context, a *app, from statusSource, _ []string) error {
	return a.show(ctx, from, nil, func() (view, error) {
		h, err := from.Homepage(ctx)
		return view{h.Table(), h}, err
	})
}
