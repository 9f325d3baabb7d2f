package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/site"
)

type siteServeOptions struct{ dir, listen string }

func newSiteServe(a *app) *cobra.Command {
	var o siteServeOptions
	c := &cobra.Command{Use: "serve", Short: "Run the site until it is told to stop",
		Example: "  bootward site serve --listen 10.77.1.1:8443 --dir /var/lib/bootward/site", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runSiteServe(c.Context(), a, o, nil) }}
	c.Flags().StringVar(&o.dir, "dir", defaultDir, "directory of the site")
	c.Flags().StringVar(&o.listen, "listen", ":8443", "address and port to answer at")
	return c
}

// runSiteServe serves until ctx ends. started, if not nil, is told the
// address before the first request is answered.
func runSiteServe(ctx context.Context, a *app, o siteServeOptions, started func(net.Addr)) error {
	s, err := site.Open(ctx, o.dir, site.Options{Version: version, Log: a.log()})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(fmt.Errorf("serve: %w", err), s.Close())
	}
	if started != nil {
		started(l.Addr())
	}
	return errors.Join(s.Serve(ctx, l), s.Close())
}
