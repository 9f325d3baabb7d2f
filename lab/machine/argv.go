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
// also where there is a VGA card. The command is for a valid configuration, the same for the same configuration, to be run in
// Config.Dir.
func Args(c Config) []string {
	p := platformOf(c.Firmware)
	args := []string{
		p.emulator, "-name", c.Name, "-no-user-config", "-nodefaults", "-display", "none",
		"-machine", p.machine, "-accel", acceleration(c.accel()), "-cpu", processor(c),
		"-m", strconv.Itoa(c.MemoryMiB), "-smp", strconv.Itoa(c.CPUs),
		"-boot", "menu=off,strict=on", "-rtc", clock(c),
		"-device", "virtio-rng-pci", "-device", "pvpanic-pci",
		"-chardev", serialChardev, "-serial", "chardev:serial0",
		"-chardev", qmpChardev, "-mon", "chardev=qmp0,mode=control",
	}
	if c.Display {
		args = append(args, "-device", "VGA")
	}
	if c.NoReboot {
		args = append(args, "-no-reboot")
	}
	args = append(args, firmware(c)...)
	args = append(args, smbios(c)...)
	args = append(args, tpmDevice(c)...)
	if c.Direct != nil {
		args = append(args, c.Direct.args()...)
	}
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
