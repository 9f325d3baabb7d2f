package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd/trace"
)

func newStatusUnprovisioned(a *app) *cobra.Command {
	c := &cobra.Command{Use: "unprovisioned", Short: "Every machine that is being deployed now and has not succeeded",
		Long:    "Every machine that runs a task sequence, waits for approval, failed in the last seven days and did not succeed\nsince, or asked by network boot in the last hour and got nothing; with what it does or what is wrong.",
		Example: "  bootward status unprovisioned --watch", Args: exactly(), RunE: a.atSite("unprovisioned", showUnprovisioned)}
	a.status.flags(c)
	return c
}

func showUnprovisioned(ctx context.Context, a *app, from statusSource, _ []string) error {
	return a.show(ctx, from, nil, func() (view, error) {
		all, err := from.Unprovisioned(ctx)
		return view{trace.Table(all), all}, err
	})
}
