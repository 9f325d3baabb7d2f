package machine

import (
	"fmt"
	"strconv"
	"strings"
)

// The machine's own files, named relative to Config.Dir, where QEMU runs: a socket's path may have 107 bytes only.
const (
	varsFile      = "vars.fd"
	rawFile       = "serial.raw"
	logFile       = "serial.log"
	errorFile     = "qemu.log"
	scriptFile    = "qemu.sh"
	serialSocket  = "serial.sock"
	qmpSocket     = "qmp.sock"
	consoleSocket = "console.sock"
)

// Where Debian's ovmf package puts the firmware.
const (
	ovmfCode = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	ovmfVars = "/usr/share/OVMF/OVMF_VARS_4M.fd"
)

// The two character devices that the lab listens on and QEMU connects to, so that no byte of the boot is lost.
// The log file is appended to: each power-on of the machine adds to it.
const (
	serialChardev = "socket,id=serial0,path=" + serialSocket + ",logfile=" + rawFile + ",logappend=on"
	qmpChardev    = "socket,id=qmp0,path=" + qmpSocket
)

var nicDevices = map[string]string{
	VirtIO:  "virtio-net-pci",
	E1000:   "e1000",
	E1000E:  "e1000e",
	RTL8139: "rtl8139",
	VMXNET3: "vmxnet3",
}

// Args returns QEMU's command line, with "graphics=off" so that SeaBIOS and its boot ROMs speak on the serial port,
// there being no VGA. The command is for a valid configuration, the same for the same configuration, to be run in
// Config.Dir.
func Args(c Config) []string {
	args := []string{
		"qemu-system-x86_64", "-name", c.Name, "-no-user-config", "-nodefaults", "-display", "none",
		"-machine", "q35,graphics=off", "-accel", acceleration(c.accel()), "-cpu", "max",
		"-m", strconv.Itoa(c.MemoryMiB), "-smp", strconv.Itoa(c.CPUs),
		"-boot", "menu=off,strict=on", "-rtc", clock(c),
		"-device", "virtio-rng-pci", "-device", "pvpanic-pci",
		"-chardev", serialChardev, "-serial", "chardev:serial0",
		"-chardev", qmpChardev, "-mon", "chardev=qmp0,mode=control",
	}
	if c.NoReboot {
		args = append(args, "-no-reboot")
	}
	args = append(args, firmware(c)...)
	args = append(args, smbios(c)...)
	args = append(args, tpmDevice(c)...)
	diskIndex, nicIndex := 1, 1
	if c.BootOrder == DiskFirst {
		nicIndex += len(c.Disks)
	} else {
		diskIndex += len(c.NICs)
	}
	args = append(args, disks(c.Disks, diskIndex)...)
	return append(args, nics(c.NICs, nicIndex)...)
}

func acceleration(accel string) string {
	if accel == KVM {
		return "kvm"
	}
	return "tcg,thread=multi"
}

func clock(c Config) string {
	if c.Clock.IsZero() {
		return "base=utc"
	}
	return "base=" + c.Clock.UTC().Format("2006-01-02T15:04:05")
}

// firmware returns nothing for BIOS, since SeaBIOS is QEMU's default.
func firmware(c Config) []string {
	if c.Firmware != UEFI {
		return nil
	}
	args := []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + ovmfCode,
		"-drive", "if=pflash,unit=1,format=raw,file=" + varsFile,
	}
	if !c.IPv6Boot {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/IPv6Support,string=n",
			"-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n")
	}
	return append(args, cleared(c)...)
}

// What OVMF uses of a machine's memory: where it begins, and what it keeps at the
// top of the memory below 2 GiB.
const (
	lowStart   = 0x800000
	lowSize    = 2 << 20
	highSize   = 256 << 20
	lowMemory  = 2 << 30
	lowFile    = "cleared-low.mem"
	highFile   = "cleared-high.mem"
	loaderForm = "loader,file=%s,addr=%#x,force-raw=on"
)

// cleared fills the memory that the firmware uses with zeros at each reset, so that
// QEMU forgets what it translated of programs that ran there. Twice a UEFI target
// did not come up after the restart of its installed system: its processor stood in
// writes to a page that still held translated code (page_collection_lock of QEMU),
// pushing frames for one tick of the timer after the other. That the stack of OVMF
// lay on such a page is concluded from this, not proven.
func cleared(c Config) []string {
	if c.accel() == KVM {
		return nil
	}
	return []string{"-device", fmt.Sprintf(loaderForm, lowFile, lowStart), "-device", fmt.Sprintf(loaderForm, highFile, topOf(c)-highOf(c))}
}

func topOf(c Config) int64 { return min(int64(c.MemoryMiB)<<20, lowMemory) }

// highOf is how much is cleared at the top: a quarter of a small memory.
func highOf(c Config) int64 { return min(highSize, topOf(c)/4) }

func smbios(c Config) []string {
	var args []string
	if c.UUID != "" {
		args = append(args, "-uuid", c.UUID)
	}
	fields := ""
	for _, f := range []struct{ key, value string }{
		{"manufacturer", c.Manufacturer}, {"product", c.Product}, {"serial", c.Serial},
	} {
		if f.value != "" {
			fields += "," + f.key + "=" + escape(f.value)
		}
	}
	if fields != "" {
		args = append(args, "-smbios", "type=1"+fields)
	}
	return args
}

func disks(list []Disk, index int) []string {
	var args []string
	ahci, usb := 0, false
	for i, d := range list {
		drive := fmt.Sprintf("if=none,id=disk%d,format=%s,cache=unsafe,discard=unmap,file=%s", i, d.Format, escape(d.Path))
		if d.ReadOnly {
			drive += ",readonly=on"
		}
		if d.Snapshot {
			drive += ",snapshot=on"
		}
		args = append(args, "-drive", drive)
		serial := d.Serial
		if serial == "" {
			serial = fmt.Sprintf("disk%d", i)
		}
		var device string
		switch d.Bus {
		case AHCI:
			device = fmt.Sprintf("ide-hd,bus=ide.%d", ahci)
			ahci++
		case NVMe:
			device = "nvme"
		case USB:
			if !usb {
				args = append(args, "-device", "qemu-xhci,id=xhci")
				usb = true
			}
			device = "usb-storage,bus=xhci.0,removable=on"
		default:
			device = "virtio-blk-pci"
		}
		args = append(args, "-device",
			fmt.Sprintf("%s,drive=disk%d,serial=%s,bootindex=%d", device, i, escape(serial), index+i))
	}
	return args
}

func nics(list []NIC, index int) []string {
	var args []string
	for i, n := range list {
		args = append(args, "-netdev",
			fmt.Sprintf("tap,id=net%d,ifname=%s,script=no,downscript=no", i, escape(n.Tap)))
		boot := n.BootIndex
		if boot == 0 {
			boot = index + i
		}
		device := fmt.Sprintf("%s,netdev=net%d,mac=%s,bootindex=%d", nicDevices[n.Model], i, n.MAC, boot)
		if n.NoROM {
			device += ",romfile="
		}
		args = append(args, "-device", device)
	}
	return args
}

// escape doubles commas, which separate options in QEMU's command line.
func escape(s string) string { return strings.ReplaceAll(s, ",", ",,") }
