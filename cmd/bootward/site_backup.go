package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/site"
)

type siteBackupOptions struct {
	dir     string
	content bool
}

func newSiteBackup(a *app) *cobra.Command {
	var o siteBackupOptions
	c := &cobra.Command{Use: "backup FILE", Short: "Write database, keys and, if asked for, content to one file",
		Long:    "Write database, keys and, if asked for, content to one file (tar in zstd).\nThe file holds every key of the site: keep it as you keep the keys. The site may run meanwhile.",
		Example: "  bootward site backup /safe/cen-2026-12-01.tar.zst --content", Args: exactly("FILE"),
		RunE: func(c *cobra.Command, args []string) error { return runSiteBackup(c.Context(), a, o, args[0]) }}
	c.Flags().StringVar(&o.dir, "dir", defaultDir, "directory of the site")
	c.Flags().BoolVar(&o.content, "content", false, "include images, boot images and packages")
	return c
}

func runSiteBackup(ctx context.Context, a *app, o siteBackupOptions, file string) error {
	if err := site.Backup(ctx, o.dir, file, o.content, who(), time.Now()); err != nil {
		return err
	}
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	out := struct {
		File  string `json:"file"`
		Bytes int64  `json:"bytes"`
	}{file, st.Size()}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Backed up to %s, %s. It holds the site's keys.\n", out.File, bytesText(out.Bytes))
		return err
	})
}
