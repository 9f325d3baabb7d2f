package appliance

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"strings"
	"sync"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/diskfs/bcd"
	"github.com/bootward/bootward/internal/recent"
	"github.com/bootward/bootward/osd"
)

// windowsFiles finds what the boot managers of Windows ask for. They ask for some
// files by their path in the BCD, which names the boot image, and for others by
// names of their own, such as \Boot\Fonts\wgl4_boot.ttf: those are looked for in
// the boot image that the machine asked for last. The zero value is ready.
type windowsFiles struct {
	mu   sync.Mutex
	last recent.Map[netip.Addr, asked]
}

// asked is what a machine asked for last with the ID of a boot image.
type asked struct {
	image string
	bcd   string // of its firmware
}

// maxAsked is how many machines are remembered: they ask with an ID each time they
// start.
const maxAsked = 4096

// find says which file of which boot image of Windows is meant by a TFTP name, nil
// if none is. The file may not be there. The BCD is that of the machine's firmware.
func (w *windowsFiles) find(images []osd.BootImage, client netip.Addr, name string) (*osd.BootImage, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, file, _ := strings.Cut(name, "/")
	if i := findImage(images, id); i != nil {
		if i.Windows == nil {
			w.last.Delete(client) // it starts something else now
			return nil, ""
		}
		w.remember(client, i.ID, file)
		if file == pxe.WindowsBIOSBCD || file == pxe.WindowsUEFIBCD {
			return i, file
		}
		return i, w.under(client, file)
	}
	last, _ := w.last.Get(client)
	i := findImage(images, last.image)
	if i == nil || i.Windows == nil {
		return nil, ""
	}
	return i, w.under(client, name)
}

// under is the file, or the BCD of the machine's firmware where a BCD is meant.
func (w *windowsFiles) under(client netip.Addr, file string) string {
	if path.Base(file) == "bcd" {
		last, _ := w.last.Get(client)
		return last.bcd
	}
	return file
}

func (w *windowsFiles) remember(client netip.Addr, image, file string) {
	a, _ := w.last.Get(client)
	a.image = image
	switch {
	case strings.HasPrefix(file, "efi/"):
		a.bcd = pxe.WindowsUEFIBCD
	case strings.HasPrefix(file, "boot/pxeboot."), a.bcd == "":
		a.bcd = pxe.WindowsBIOSBCD
	}
	w.last.Put(client, a, maxAsked)
}

// places are where the content may have a file: as asked for, or under its last
// name where it has boot files. Boot managers put folders before it that depend on
// how they were started.
func places(file string) []string {
	base := path.Base(file)
	return []string{file, "boot/" + base, "boot/fonts/" + base, "efi/" + base}
}

// openWindows opens a file for the boot managers of Windows; false if the name is
// of no boot image of Windows.
func (b *Box) openWindows(ctx context.Context, client netip.Addr, name string) (f io.ReadSeekCloser, size int64, ours bool, err error) {
	i, file := b.windows.find(b.files.Images(), client, name)
	if i == nil {
		return nil, 0, false, nil
	}
	f, size, err = openWindowsFile(ctx, i, file, func(ctx context.Context, id, file string) (io.ReadSeekCloser, int64, error) {
		f, _, size, err := b.files.Open(ctx, id, file)
		return f, size, err
	})
	return f, size, true, err
}

type openFunc func(ctx context.Context, id, file string) (io.ReadSeekCloser, int64, error)

func openWindowsFile(ctx context.Context, i *osd.BootImage, file string, open openFunc) (io.ReadSeekCloser, int64, error) {
	if file == pxe.WindowsBIOSBCD || file == pxe.WindowsUEFIBCD {
		b, err := bootData(i, file)
		return nopCloser{bytes.NewReader(b)}, int64(len(b)), err
	}
	for _, p := range places(file) {
		f, size, err := open(ctx, i.ID, p)
		if err == nil {
			return f, size, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
	}
	return nil, 0, fmt.Errorf("boot file %s of boot image %s: %w", file, i.Name, fs.ErrNotExist)
}

// bootData makes the BCD. Its paths hold the ID of the boot image.
func bootData(i *osd.BootImage, file string) ([]byte, error) {
	w := i.Windows
	disk := bcd.RAMDisk{
		Firmware: bcd.UEFI, WIM: pxe.WindowsPath(i.ID, w.File), SDI: pxe.WindowsPath(i.ID, pxe.WindowsSDI),
		BlockSize: cmp.Or(w.BlockSize, osd.DefaultBlockSize), WindowSize: cmp.Or(w.WindowSize, osd.DefaultWindowSize),
	}
	if file == pxe.WindowsBIOSBCD {
		disk.Firmware = bcd.BIOS
	}
	b, err := disk.Marshal()
	if err != nil {
		return nil, fmt.Errorf("boot image %s: %w", i.Name, err)
	}
	return b, nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
