package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/site/client"
)

const defaultDir = "/var/lib/bootward/site"

type siteInitOptions struct {
	dir, code, administrator, url string
	force                         bool
}

func newSiteInit(a *app) *cobra.Command {
	var o siteInitOptions
	c := &cobra.Command{Use: "init", Short: "Make a site: keys, database, first administrator",
		Example: "  bootward site init --code CEN --dir /var/lib/bootward/site --url https://site.example.org:8443", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runSiteInit(c.Context(), a, o) }}
	c.Flags().StringVar(&o.dir, "dir", defaultDir, "directory of the site; empty or not there yet")
	c.Flags().StringVar(&o.code, "code", "", "site code: three capital letters or digits, part of every id")
	c.Flags().StringVar(&o.administrator, "administrator", "", "name of the first administrator (default: you)")
	c.Flags().StringVar(&o.url, "url", "https://127.0.0.1:8443", "where the site will be reached, for the context file")
	c.Flags().BoolVar(&o.force, "force", false, "replace a context file that exists")
	return c
}

func runSiteInit(ctx context.Context, a *app, o siteInitOptions) error {
	if err := site.CheckCode(o.code); err != nil {
		return &usageError{err}
	}
	if o.administrator == "" {
		u, err := user.Current()
		if err != nil {
			return fmt.Errorf("who are you? give --administrator: %w", err)
		}
		o.administrator = u.Username
	}
	if err := (&osd.Person{Meta: osd.Meta{Name: o.administrator}}).Validate(); err != nil {
		return &usageError{fmt.Errorf("site init: %w; give another with --administrator", err)}
	}
	file, err := a.contextPath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err == nil && !o.force {
		return fmt.Errorf("context %s: exists and would be replaced; give --force, or another file with --context", file)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("context: %w", err)
	}
	made, err := site.Init(ctx, o.dir, o.code, o.administrator, time.Now())
	if err != nil {
		return err
	}
	c := &client.Context{Format: 1, URL: o.url, Site: made.Code, Fingerprint: made.Fingerprint, Anchor: string(made.Anchor),
		Administrator: made.Administrator, Token: made.Token}
	if err := c.Save(file); err != nil {
		return errors.Join(err, fmt.Errorf("the site is made; its administrator's token is %s", made.Token))
	}
	out := struct {
		Code          string `json:"code"`
		Dir           string `json:"dir"`
		Fingerprint   string `json:"fingerprint"`
		Administrator string `json:"administrator"`
		Token         string `json:"token"`
		Context       string `json:"context"`
	}{made.Code, o.dir, made.Fingerprint, made.Administrator, made.Token, file}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, `Site %s is made in %s.
  fingerprint    %s
  administrator  %s
  token          %s   (shown only now; the context file holds it)
  context        %s
Next: bootward site serve --dir %s
Move %s to a place that is offline.
`, out.Code, out.Dir, out.Fingerprint, out.Administrator, out.Token, out.Context, o.dir, filepath.Join(o.dir, "keys", "root"))
		return err
	})
}
