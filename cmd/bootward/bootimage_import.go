package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/bootimg/winpe"
	"github.com/bootward/bootward/diskfs/tool"
)

// importWindows makes a boot image of a boot.wim: the files that start it are taken
// out of it here, so that neither site nor box needs a program for that.
func importWindows(ctx context.Context, a *app, o importOptions, in api.Import, path string) error {
	dir, err := os.MkdirTemp("", "bootward-winpe-")
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer os.RemoveAll(dir)
	content := filepath.Join(dir, "content")
	if err := os.Mkdir(content, 0o755); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	missing, err := winpe.Extract(ctx, tool.Exec{}, path, content)
	if err != nil {
		return api.Errorf(api.CodeRefused, fmt.Sprintf("BootImage %q", in.Name), "%v", err)
	}
	for _, m := range missing {
		if _, err := fmt.Fprintf(a.err, "note: %s\n", m); err != nil {
			return err
		}
	}
	if !o.noAgent {
		if _, err := fmt.Fprintln(a.err, "note: nothing is put into the WIM: unless bootward-agent is in it, import it with --no-agent"); err != nil {
			return err
		}
	}
	in.File = winpe.WIM
	return upload(ctx, a, o, in, content)
}
