package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/diskfs/wim"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/client"
)

type importOptions struct {
	kind                   osd.Kind
	name, version, comment string
	quiet, noAgent         bool
}

func newImport(a *app, k osd.Kind) *cobra.Command {
	o := importOptions{kind: k}
	c := map[osd.Kind]*cobra.Command{
		osd.KindImage: {Use: "import FILE", Short: "Import an operating system image, a WIM file",
			Example: "  bootward image import debian-12.wim --name debian-12", Args: exactly("FILE")},
		osd.KindBootImage: {Use: "import DIR|WIM", Short: "Import a boot image: a folder with vmlinuz, initrd and uki.efi, or a boot.wim of Windows PE",
			Example: "  bootward bootimage import build/bootimage --name linux-x64\n  bootward bootimage import boot.wim --name winpe-x64 --no-agent", Args: exactly("DIR|WIM")},
		osd.KindPackage: {Use: "import DIR", Short: "Import a package: a folder of any files",
			Example: "  bootward package import build/kit/imaging --name \"Bootward imaging tools\"", Args: exactly("DIR")},
	}[k]
	c.RunE = func(c *cobra.Command, args []string) error { return runImport(c.Context(), a, o, args[0]) }
	c.Flags().StringVar(&o.name, "name", "", "name of the object (default: that of the file or folder)")
	c.Flags().StringVar(&o.version, "version", "", "version, for people")
	c.Flags().StringVar(&o.comment, "comment", "", "comment, for people")
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
	if k == osd.KindBootImage {
		c.Flags().BoolVar(&o.noAgent, "no-agent", false, "no agent of Bootward runs in it: it is served as it is")
	}
	return c
}

func runImport(ctx context.Context, a *app, o importOptions, path string) error {
	in := api.Import{Kind: string(o.kind), Name: o.name, Version: o.version, Comment: o.comment, NoAgent: o.noAgent}
	if in.Name == "" {
		in.Name = strings.TrimSuffix(filepath.Base(path), ".wim")
	}
	st, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("import: %s: there is no such file or folder", path)
	}
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	switch {
	case o.kind == osd.KindImage:
		if err := checkWIM(path, st, in.Name); err != nil {
			return err
		}
		in.File = filepath.Base(path)
	case o.kind == osd.KindBootImage && !st.IsDir():
		return importWindows(ctx, a, o, in, path)
	case !st.IsDir():
		return &usageError{fmt.Errorf("import: %s is no folder; a %s is imported from one", path, o.kind)}
	}
	return upload(ctx, a, o, in, path)
}

// upload sends a file or a folder, and makes the object of it.
func upload(ctx context.Context, a *app, o importOptions, in api.Import, path string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	u := client.Upload{Path: path}
	done := func() {}
	if !o.quiet {
		p := newProgress(a.err, in.Name)
		u.Progress, done = p.show, p.done
		defer p.clear()
	}
	raw, err := s.Import(ctx, in, u)
	if err != nil {
		return fmt.Errorf("%s %q: %w", o.kind, in.Name, err)
	}
	done()
	return a.print(raw, func(w io.Writer) error { return printImported(w, o.kind, raw) })
}

// checkWIM refuses what the site would refuse, before it is sent.
func checkWIM(path string, st os.FileInfo, name string) error {
	if st.IsDir() {
		return &usageError{fmt.Errorf("import: %s is a folder; give the WIM file", path)}
	}
	if _, err := wim.ReadFile(path); err != nil && !errors.Is(err, wim.ErrNoIntegrity) {
		remedy := "copy the WIM again from where it was made"
		if errors.Is(err, wim.ErrNotWIM) {
			remedy = "give a WIM file, such as wimlib-imagex capture makes"
		}
		return api.Errorf(api.CodeRefused, fmt.Sprintf("Image %q", name), "%v", err).WithRemedy("%s", remedy)
	}
	return nil
}

func printImported(w io.Writer, k osd.Kind, raw json.RawMessage) error {
	var o struct {
		osd.Meta
		osd.Content
		Indexes []osd.ImageIndex `json:"indexes"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return fmt.Errorf("import: answer: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s %q is %s: %s, %s\n", k, o.Name, o.ID, bytesText(o.Bytes), o.Manifest); err != nil {
		return err
	}
	for i, x := range o.Indexes {
		if _, err := fmt.Fprintf(w, "  index %d  %s  %s when applied\n", i+1, plain(x.Name), bytesText(x.TotalBytes)); err != nil {
			return err
		}
	}
	return nil
}
