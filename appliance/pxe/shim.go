package pxe

import (
	"fmt"
	"path"
	"strings"

	"github.com/bootward/bootward/appliance/dhcp"
)

// Files of the chain that Debian signed. Shim asks by TFTP for GRUB in the folder that
// it came from itself; GRUB asks for its configuration below /grub, as it was built.
const (
	// ShimName is the file of a boot image that the firmware loads.
	ShimName = "shimx64.efi"

	grubFolder = "grub"
	grubConfig = "grub.cfg"

	// GRUBName is the file of a boot image that shim loads.
	GRUBName = "grubx64.efi"
)

// IsGRUBConfig reports whether a TFTP name, normalised, is the configuration that the
// signed GRUB asks for. It first tries names with the machine's addresses in them.
func IsGRUBConfig(name string) bool { return name == grubFolder+"/"+grubConfig }

// MayLack reports whether a boot file, by its TFTP name, is one that the signed chain asks for
// on the chance that it is there: shim's revocations and further certificates, GRUB's
// lists of modules, which it has built in, and configurations for single machines.
func MayLack(name string) bool {
	base := path.Base(name)
	if dir := path.Dir(name); dir == grubFolder || strings.HasPrefix(dir, grubFolder+"/") {
		return !IsGRUBConfig(name)
	}
	return strings.HasPrefix(base, "revocations") && strings.HasSuffix(base, ".efi") || strings.HasPrefix(base, "shim_certificate")
}

// GRUBExit is the configuration that lets GRUB leave: the firmware tries its next
// device.
const GRUBExit = "echo 'Bootward: next boot device'\nsleep 5\nexit\n"

// GRUBConfig is the configuration by which the signed GRUB starts boot image id:
// kernel and initramfs by TFTP, since it has no HTTP, from the server that it got this
// from. If anything fails, GRUB leaves and the firmware tries its next device. args are
// as for BootScript; the hardware address that becomes BOOTIF is GRUB's to say.
func GRUBConfig(id string, args []string) (string, error) {
	line, err := arguments("grub configuration", id, nil, args)
	if err != nil {
		return "", err
	}
	line = append(line, "BOOTIF=01-$net_default_mac")
	return fmt.Sprintf(`set timeout=0
echo "Bootward: boot image %[1]s"
if linux /%[1]s/vmlinuz %[2]s; then
  if initrd /%[1]s/initrd; then
    boot
  fi
fi
echo "Bootward: the boot image could not be loaded"
sleep 5
exit
`, id, strings.Join(line, " ")), nil
}

// shim says what the chain needs of others: GRUB takes its server from the answer of
// the DHCP server, not from that of a proxy (grub-core/net/drivers/efi/efinet.c of GRUB
// 2.06 reads dhcp_ack alone), though shim knows better.
func (a Answer) shim(s Server) Answer {
	a = a.because("UEFI loads the distribution's signed shim by TFTP, as policy says")
	if s.Mode == dhcp.DHCP {
		return a
	}
	return a.because("its GRUB goes on only if the segment's DHCP server names " + s.Address.String() + " as next-server")
}
