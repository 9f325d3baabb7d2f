//go:build system

package systemtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/rootfs"
	"github.com/bootward/bootward/trust/trusttest"
)

// bootBoards are the boot images by architecture: board, and the kit beside the x64 one.
var bootBoards = map[string]struct{ board, kit, parameters string }{
	osd.ArchX64:   {"qemu-x86_64", "", "no_timer_check"},
	osd.ArchARM64: {"uefi-arm64", "-arm64", ""},
}

// imageDir is where the boot images of a run lie for its other modes.
func imageDir(t *testing.T) string { return filepath.Join(bootsDir(t), "images") }

// bootFiles is the boot image of an architecture, by names, made once in a run.
func bootFiles(ctx context.Context, t *testing.T, arch string) map[string][]byte {
	t.Helper()
	dir, files := filepath.Join(imageDir(t), arch), map[string][]byte{}
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		with := bootBoards[arch]
		files = buildImage(ctx, t, with.board, provided(t, "BOOTWARD_KIT")+with.kit, with.parameters)
		if err = os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if files[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// buildImage makes the files of a boot image by their names.
func buildImage(ctx context.Context, t *testing.T, name, dir, parameters string) map[string][]byte {
	t.Helper()
	kit, err := rootfs.OpenKit(dir)
	if err != nil {
		t.Fatal(err)
	}
	on, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	a, err := bootimg.BuildLinux(ctx, kit, bootimg.Options{SiteTrust: trusttest.New(t, time.Now()).RawAnchor, CommandLine: parameters, Board: on})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"vmlinuz": a.Kernel, "initrd": a.Initrd, "uki.efi": a.UKI, "cmdline": []byte(a.CommandLine)}
	if a.Chain.Shim != nil {
		files[bootimg.ShimName], files[bootimg.GRUBName] = a.Chain.Shim, a.Chain.GRUB
	}
	if kit.Has("ipxe/undionly.kpxe") {
		if files["undionly.kpxe"], err = kit.Read("ipxe/undionly.kpxe"); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
