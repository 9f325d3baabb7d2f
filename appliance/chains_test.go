package appliance

import (
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"testing"

	"github.com/bootward/bootward/appliance/distributionpoint"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd"
)

// GRUB gets the configuration of the image that its client has loaded it from, and
// nobody else gets any.
func TestGRUBConfigIsOfTheImageThatWasLoaded(t *testing.T) {
	dir, manifest := bootImage(t)
	images := func() []osd.BootImage {
		return []osd.BootImage{{Meta: osd.Meta{ID: "CEN00003"}, Content: osd.Content{Manifest: manifest}},
			{Meta: osd.Meta{ID: "CEN00004"}, Content: osd.Content{Manifest: manifest}}}
	}
	b := &Box{files: &distributionpoint.BootFiles{Library: distributionpoint.NewLibrary(dir), Images: images, OnBad: func(string) {}}}
	one, two := netip.MustParseAddr("10.77.0.100"), netip.MustParseAddr("10.77.0.101")
	open := func(client netip.Addr, name string) (string, error) {
		f, size, err := b.openTFTP(t.Context(), client, name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		if int64(len(text)) != size {
			t.Errorf("%s: %d bytes, %d said", name, len(text), size)
		}
		return string(text), err
	}
	for client, image := range map[netip.Addr]string{one: "cen00003", two: "cen00004"} {
		if _, err := open(client, image+"/grubx64.efi"); err != nil {
			t.Fatal(err)
		}
	}
	for client, image := range map[netip.Addr]string{one: "cen00003", two: "cen00004"} {
		text, err := open(client, "grub/grub.cfg")
		if err != nil || !strings.Contains(text, "linux /"+image+"/vmlinuz cmdline") || !strings.Contains(text, "initrd /"+image+"/initrd") {
			t.Errorf("%s: %v\n%s", client, err, text)
		}
	}
	if text, err := open(netip.MustParseAddr("10.77.0.102"), "grub/grub.cfg"); err != nil || text != pxe.GRUBExit {
		t.Errorf("a client that is not remembered stays at GRUB's prompt: %q, %v", text, err)
	}
	if _, err := open(one, "grub/x86_64-efi/fs.lst"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list of modules: %v", err)
	}
}
