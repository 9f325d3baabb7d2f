package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/rootfs"
)

type bootImageOptions struct {
	kit, board, name, parameters, dbx, out string
}

func newBootImageBuild(a *app) *cobra.Command {
	var o bootImageOptions
	c := &cobra.Command{Use: "build", Short: "Make the boot image of this site from a kit, and import it",
		Example: "  bootward bootimage build --kit build/kit --name linux-x64\n  bootward bootimage build --kit build/kit-arm64 --board uefi-arm64 --name linux-arm64", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runBootImageBuild(c.Context(), a, o) }}
	c.Flags().StringVar(&o.kit, "kit", "build/kit", "the kit that it is assembled from")
	c.Flags().StringVar(&o.board, "board", "pc-x86_64", fmt.Sprintf("hardware profile: one of %v", board.Names()))
	c.Flags().StringVar(&o.name, "name", "linux-x64", "name of the boot image")
	c.Flags().StringVar(&o.parameters, "parameters", "", "further kernel parameters")
	c.Flags().StringVar(&o.dbx, "dbx", "", "list of programs that Secure Boot forbids (DBXUpdate.bin), beside those that are built in")
	c.Flags().StringVarP(&o.out, "output", "o", "", "folder to write to, instead of importing it")
	complete(c, "board", words(board.Names()...))
	return c
}

func runBootImageBuild(ctx context.Context, a *app, o bootImageOptions) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	anchor, err := s.Anchor(ctx)
	if err != nil {
		return err
	}
	b, err := board.Load(o.board)
	if err != nil {
		return err
	}
	kit, err := rootfs.OpenKit(o.kit)
	if err != nil {
		return err
	}
	options := bootimg.Options{SiteTrust: anchor, CommandLine: o.parameters, Board: b}
	if o.dbx != "" {
		if options.DBX, err = os.ReadFile(o.dbx); err != nil {
			return fmt.Errorf("bootimage build: %w", err)
		}
	}
	image, err := bootimg.BuildLinux(ctx, kit, options)
	if err != nil {
		return err
	}
	if o.out != "" {
		return writeBootImage(kit, image, o.out)
	}
	dir, err := os.MkdirTemp("", "bootward-bootimage-")
	if err != nil {
		return fmt.Errorf("bootimage build: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := writeBootImage(kit, image, dir); err != nil {
		return err
	}
	return runImport(ctx, a, importOptions{kind: osd.KindBootImage, name: o.name, version: image.Version, quiet: true}, dir)
}

// writeBootImage writes what a BootImage's content holds: the image in every
// form, its command line for loaders that need it, and the loader of BIOS ROMs where
// there are any.
func writeBootImage(kit *rootfs.Kit, image bootimg.Artifacts, dir string) error {
	if err := image.Write(dir); err != nil {
		return err
	}
	files := map[string][]byte{"cmdline": []byte(image.CommandLine)}
	if source := "ipxe/undionly.kpxe"; kit.Has(source) { // no BIOS on arm64
		loader, err := kit.Read(source)
		if err != nil {
			return err
		}
		files["undionly.kpxe"] = loader
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("bootimage build: %w", err)
		}
	}
	return nil
}
