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

// openTFTP finds a boot file by its TFTP name: undionly.kpxe, ID/file, GRUB's
// configuration, or what the boot managers of Windows ask for.
func (b *Box) openTFTP(ctx context.Context, client netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
	if pxe.IsGRUBConfig(name) {
		return b.grubConfig(ctx, client)
	}
	if name == distributionpoint.LoaderName {
		f, _, size, err := b.files.OpenLoader(ctx)
		if err != nil {
			return nil, 0, err
		}
		return f, size, nil
	}
	if f, size, ours, err := b.openWindows(ctx, client, name); ours {
		return f, size, err
	}
	id, file, ok := strings.Cut(name, "/")
	if !ok || file == commandLineName {
		return nil, 0, fmt.Errorf("boot file %q: %w", name, fs.ErrNotExist)
	}
	f, _, size, err := b.files.Open(ctx, id, file)
	if err != nil {
		return nil, 0, err
	}
	b.chains.note(client, id, file)
	return f, size, nil
}

// openHTTP finds a boot file, or makes the script that iPXE runs.
func (b *Box) openHTTP(ctx context.Context, r httpboot.Request) (httpboot.File, error) {
	if r.Name == "boot.ipxe" {
		script, err := b.script(ctx, r)
		return httpboot.File{Content: strings.NewReader(script)}, err
	}
	if r.Name == pxe.Only32Name {
		b.flight.only32(r.MAC.String())
		return httpboot.File{Content: strings.NewReader(pxe.Only32Script())}, nil
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
	arguments, err := b.arguments(ctx, r.ImageID)
	if err != nil {
		return "", err
	}
	return pxe.BootScript(pxe.Server{Address: r.Local, HTTPPort: b.o.Config.Ports.HTTP}, r.ImageID, r.MAC, r.Prompt, arguments)
}

// arguments are the kernel's, one word each, of a boot image that is there.
func (b *Box) arguments(ctx context.Context, id string) ([]string, error) {
	f, _, _, err := b.files.Open(ctx, id, commandLineName)
	if err == nil {
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxCommandLine))
		return strings.Fields(string(text)), err
	}
	k, _, _, err := b.files.Open(ctx, id, "vmlinuz")
	if err != nil {
		return nil, err // there is no such boot image
	}
	return strings.Fields(defaultArguments), k.Close()
}
