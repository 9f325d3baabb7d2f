package pxe

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// nextID stands for a boot image in the URL of the script that goes on to the
// next device.
const nextID = "next"

// leave ends iPXE, and the firmware tries its next device. It does not sanboot the
// first disk: the order of devices is the firmware's. UEFI goes on only after a boot
// option that failed (UEFI 2.10 section 3.1.1).
const leave = "iseq ${platform} efi && exit 1 ||\nexit\n"

// NextScript is the iPXE script of boot image id "next".
func NextScript() string { return "#!ipxe\necho Bootward: next boot device\n" + leave }

// PromptText is what a person reads who may start the network boot.
const PromptText = "Press F12 for network service boot"

// askF12 waits for a key and goes to the label disk without one. Any key will do: a BIOS
// hands F12 over in forms that iPXE does not all read as F12 (SeaBIOS's serial console,
// tried), and a person whose F12 counts for nothing is worse than one whose Enter does.
func askF12(wait time.Duration) string {
	if wait <= 0 {
		return ""
	}
	return fmt.Sprintf("prompt --timeout %d %s || goto disk\n", wait.Milliseconds(), PromptText)
}

// Prompted tells the agent that somebody pressed F12 before it was loaded.
const Prompted = "bootward.prompted"

// argument is one word of a kernel command line that iPXE passes on unchanged:
// no space, no quote, no $ (iPXE expands ${…}), none of # ; | &.
var argument = regexp.MustCompile(`^[A-Za-z0-9._,:=/@%+\[\]-]+$`)

// BootScript is the iPXE script that starts boot image id from the box: kernel
// and initramfs by HTTP. args are the kernel's arguments, one word each. The
// machine's hardware address is appended as BOOTIF (the form of pxelinux), so that
// the boot image knows which card it came by. With a prompt, F12 is waited for before
// anything is loaded; without the key the machine tries its next device. UEFI kernels
// find the initramfs that iPXE loaded only if initrd= names it; BIOS kernels ignore
// that word.
func BootScript(s Server, id string, mac net.HardwareAddr, prompt time.Duration, args []string) (string, error) {
	words, err := arguments("ipxe script", id, mac, args)
	if err != nil {
		return "", err
	}
	line := append([]string{"kernel", s.url(id, "vmlinuz"), "initrd=initrd"}, words...)
	if prompt > 0 {
		line = append(line, Prompted)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#!ipxe\n%secho Bootward: boot image %s\n", askF12(prompt), id)
	b.WriteString(longModeCheck(s, id, mac))
	fmt.Fprintf(&b, "%s || goto failed\n", strings.Join(line, " "))
	fmt.Fprintf(&b, "initrd --name initrd %s || goto failed\n", s.url(id, "initrd"))
	b.WriteString("boot || goto failed\n:failed\necho Bootward: the boot image could not be loaded\nexit 1\n")
	if prompt > 0 {
		b.WriteString(":disk\necho Bootward: next boot device\n" + leave)
	}
	return b.String(), nil
}

// arguments checks what is written into a script, and adds the machine's hardware
// address as BOOTIF.
func arguments(what, id string, mac net.HardwareAddr, args []string) ([]string, error) {
	if !ValidImageID(id) {
		return nil, fmt.Errorf("%s: boot image id %q: want letters, digits, dot, underscore or hyphen", what, id)
	}
	for _, a := range args {
		if !argument.MatchString(a) {
			return nil, fmt.Errorf("%s of %s: kernel argument %q holds a character that a loader would read", what, id, a)
		}
	}
	if len(mac) == 6 {
		args = append(slices.Clone(args), "BOOTIF=01-"+strings.ReplaceAll(mac.String(), ":", "-"))
	}
	return args, nil
}
