//go:build system

package systemtest

import (
	"cmp"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/osd"
)

// bootRow is one way in which a machine asks to be booted.
type bootRow struct {
	firmware, nic string
	mode          string // modeProxy when empty
	http          bool   // UEFI HTTP Boot
	shim          bool   // policy says LoaderShim
	only32        bool   // a processor without long mode
	always        bool   // of the rows that `make test` runs
	image         string // architecture of the boot image; x64 when empty
	told          string // what says that it cannot be served; "" if it must boot
	says          string // what must be said of another server, overheard
	race          bool   // iPXE takes the first PXE server, and that may be the other one
	next          bool   // nothing is to be booted, and policy says abort: its disk is next
	windows       bool   // the image is one of Windows, with stand-ins for its loaders

	// Of captures alone.
	capture  string        // name of the file
	ends     string        // on its console, or one of those below: when the capture is over
	patience string        // on its console, where somebody presses the reset button
	lacks    bool          // the content of the boot image is not on the box
	late     time.Duration // how long the box takes to decide
}

// The ends of captures that no console shows.
const (
	endAgent = "the agent calls"
	endAgain = "it asks again"
)

func (r bootRow) name() string {
	if r.capture != "" {
		return r.capture
	}
	name := r.firmware
	for _, word := range []struct {
		on   bool
		text string
	}{{r.http, "http"}, {r.only32, "32"}, {true, r.nic}, {true, cmp.Or(r.mode, modeProxy)}, {r.next, "abort"}, {r.windows, "windows"}} {
		if word.on {
			name += "-" + word.text
		}
	}
	return name
}

// bootRows is every firmware with every network card and every mode that it can be had
// with in emulation, in pairs. Other cards than virtio have a boot ROM of QEMU, which is
// iPXE and not signed: with them UEFI boots by iPXE, and not at all with Secure Boot.
func bootRows() []bootRow {
	rows := []bootRow{
		{firmware: machine.UEFI, nic: machine.VirtIO, always: true},
		{firmware: machine.UEFI, nic: machine.VirtIO, mode: modeDHCP},
		{firmware: machine.UEFI, nic: machine.VirtIO, http: true, always: true},
		{firmware: machine.UEFI, nic: machine.VirtIO, http: true, mode: modeDHCP},
		{firmware: machine.UEFISecure, nic: machine.VirtIO, told: "Access Denied"}, // our UKI: nobody enrolled its key
		{firmware: machine.UEFISecure, nic: machine.VirtIO, shim: true, mode: modeNext},
		{firmware: machine.UEFISecure, nic: machine.VirtIO, shim: true, mode: modeDHCP, always: true},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, image: osd.ArchARM64},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, image: osd.ArchARM64, http: true, mode: modeDHCP},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, mode: modeDHCP, told: "there is no boot image for arm64"},
		{firmware: machine.UEFIIA32, nic: machine.VirtIO, told: "32-bit UEFI starts no 64-bit boot image"},
		{firmware: machine.BIOS, nic: machine.VirtIO, only32: true, always: true, told: "no 64-bit mode"},
	}
	for i, nic := range []string{machine.VirtIO, machine.E1000, machine.E1000E, machine.RTL8139, machine.VMXNET3} {
		modes := []string{modeProxy, modeDHCP}
		rows = append(rows, bootRow{firmware: machine.BIOS, nic: nic, mode: modes[i%2], always: i == 0})
		if nic != machine.VirtIO {
			rows = append(rows, bootRow{firmware: machine.UEFI, nic: nic, mode: modes[(i+1)%2]})
		}
	}
	return append(rows, besideRows()...)
}

// Other servers of the segment.
const (
	dhcpAddress  = "10.77.0.1"
	rivalAddress = "10.77.0.8"
)

// besideRows are BIOS by the ROM of the card, which is iPXE, and UEFI by its own stack in
// every other network than those above; then what is done when nothing is to be booted.
func besideRows() []bootRow {
	const v = machine.VirtIO
	var rows []bootRow
	for _, mode := range []string{modeRelay, mode4011, modeKea, modeDHCPD} {
		rows = append(rows, bootRow{firmware: machine.BIOS, nic: v, mode: mode}, bootRow{firmware: machine.UEFI, nic: v, mode: mode})
	}
	rows = append(rows, bootRow{firmware: machine.UEFI, nic: v, http: true, mode: modeRelay})
	for _, r := range []bootRow{ // what UEFI asks is answered to all
		{mode: modeRival, says: "another PXE server " + rivalAddress + " answers on this segment"},
		{mode: mode60, says: "sends option 60 PXEClient: UEFI firmware then asks it on UDP 4011 instead of this box"},
		{mode: modeFile, says: `sends the boot file "pxelinux.0"`},
		{mode: modeBoth, says: `sends option 60 PXEClient with boot file "pxelinux.0"`},
	} {
		r.nic, r.firmware = v, machine.UEFI
		other := dhcpAddress
		if r.mode == modeRival {
			other = rivalAddress
		}
		rows = append(rows, r, bootRow{firmware: machine.BIOS, nic: v, mode: r.mode, race: r.mode != modeFile,
			says: "another PXE server answers on eth0: " + other})
	}
	for _, mode := range []string{modeProxy, modeDHCP} {
		rows = append(rows, bootRow{firmware: machine.BIOS, nic: v, mode: mode, next: true}, bootRow{firmware: machine.UEFI, nic: v, mode: mode, next: true},
			bootRow{firmware: machine.UEFI, nic: v, mode: mode, http: true, next: true})
	}
	rows = append(rows, bootRow{firmware: machine.UEFISecure, nic: v, next: true}, bootRow{firmware: machine.UEFI, nic: machine.E1000, next: true})
	for _, mode := range []string{modeProxy, modeDHCP} {
		rows = append(rows, bootRow{firmware: machine.BIOS, nic: v, mode: mode, windows: true}, bootRow{firmware: machine.UEFI, nic: v, mode: mode, windows: true})
	}
	return append(rows, bootRow{firmware: machine.UEFI, nic: machine.E1000, windows: true})
}
