package appliance

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/bootward/bootward/appliance/distributionpoint"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/pxe"
)

// commandLineName is the file of a boot image that holds the kernel's
// arguments, as they stand in its uki.efi.
const commandLineName = "cmdline"

// defaultArguments are used for a boot image without that file: messages go to
// the screen and to the first serial line.
const defaultArguments = "console=tty0 console=ttyS0,115200"

// maxCommandLine is COMMAND_LINE_SIZE of Linux on x86.
const maxCommandLine = 2048

// openTFTP finds a boot file by its TFTP name: undionly.kpxe, or ID/file.
func (b *Box) openTFTP(ctx context.Context, _ netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
	if name == distributionpoint.LoaderName {
		f, _, size, err := b.files.OpenLoader(ctx)
		if err != nil {
			return nil, 0, err
		}
		return f, size, nil
	}
	id, file, ok := strings.Cut(name, "/")
	if !ok || file == commandLineName {
		return nil, 0, fmt.Errorf("boot file %q: %w", name, fs.ErrNotExist)
	}
	f, _, size, err := b.files.Open(ctx, id, file)
	if err != nil {
		return nil, 0, err
	}
	return f, size, nil
}

// openHTTP finds a boot file, or makes the script that iPXE runs.
func (b *Box) openHTTP(ctx context.Context, r httpboot.Request) (httpboot.File, error) {
	if r.Name == "boot.ipxe" {
		script, err := b.script(ctx, r)
		return httpboot.File{Content: strings.NewReader(script)}, err
	}
	f, sha, _, err := b.files.Open(ctx, r.ImageID, r.Name)
	if err != nil {
		return httpboot.File{}, err
	}
	return httpboot.File{Content: f, Digest: sha}, nil
}

func (b *Box) script(ctx context.Context, r httpboot.Request) (string, error) {
	if r.ImageID == "next" {
		return pxe.NextScript(), nil
	}
	arguments := defaultArguments
	f, _, _, err := b.files.Open(ctx, r.ImageID, commandLineName)
	if err == nil {
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxCommandLine))
		if err != nil {
			return "", err
		}
		arguments = string(text)
	} else if k, _, _, err := b.files.Open(ctx, r.ImageID, "vmlinuz"); err != nil {
		return "", err // there is no such boot image
	} else {
		k.Close()
	}
	return pxe.BootScript(pxe.Server{Address: r.Local, HTTPPort: b.o.Config.Ports.HTTP}, r.ImageID, r.MAC, r.Prompt, strings.Fields(arguments))
}
