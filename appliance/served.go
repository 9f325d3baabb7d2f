package appliance

import (
	"context"
	"net/netip"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// handedOut notes that a machine got a boot file whole, by its name of TFTP or
// ID/file. Of a boot image without an agent nothing else tells that it was booted.
func (b *Box) handedOut(mac string, client netip.Addr, name string) {
	images := b.files.Images()
	i, file := b.windows.find(images, client, name)
	if i == nil {
		var id string
		id, file, _ = strings.Cut(name, "/")
		i = findImage(images, id)
	}
	if mac == "" || i == nil || i.Agent != osd.AgentNone || !lastFile(i, file) {
		return
	}
	id := i.ID
	b.flight.put(func(ctx context.Context) error {
		boot, _, err := b.store.Boot(ctx, mac)
		if err != nil {
			return err
		}
		return b.point.Served(ctx, policy.Machine{MACs: []string{mac}, SMBIOSGUID: boot.GUID}, id)
	})
}

// lastFile says whether a machine that got this file has got all of the boot image
// that it needs to run.
func lastFile(i *osd.BootImage, file string) bool {
	if i.Windows != nil {
		return strings.EqualFold(file, i.Windows.File) // TFTP names are in lower case
	}
	return file == "uki.efi" || file == "initrd"
}
