package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/site"
)

type siteRestoreOptions struct{ dir string }

func newSiteRestore(a *app) *cobra.Command {
	var o siteRestoreOptions
	c := &cobra.Command{Use: "restore FILE", Short: "Make a site of a backup, in an empty directory",
		Long:    "Make a site of a backup, in an empty directory. The epoch of policy is raised, so that boxes follow\nthe restored site. Never run the old and the restored site at once.",
		Example: "  bootward site restore /safe/cen-2026-12-01.tar.zst --dir /var/lib/bootward/site", Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error { return runSiteRestore(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.dir, "dir", defaultDir, "directory of the site; empty or not there yet")
	return c
}

func runSiteRestore(ctx context.Context, a *app, o siteRestoreOptions, file string) error {
	r, err := site.Restore(ctx, file, o.dir, who(), time.Now())
	if err != nil {
		return err
	}
	return a.print(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Site %s of %s is restored in %s; its epoch is now %d.\n", r.Site, clock(r.Time), o.dir, r.Epoch)
		if err == nil && !r.Content {
			_, err = fmt.Fprintln(w, "The backup holds no content: import images, boot images and packages again.")
		}
		return err
	})
}
