//go:build prove

// Command prove is PID 1 of a test machine: it deploys an image to two blank
// disks with the agent's own packages, one for BIOS and one for UEFI firmware,
// says how long each step took, and switches the machine off. It is built and
// started by the test beside it and is part of no product.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

func main() {
	err := run()
	if err != nil {
		fmt.Println("PROVE failed:", err)
	} else {
		fmt.Println("PROVE done")
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// allowed is the permit of this test: both blank disks, by serial number.
type allowed struct{}

func (allowed) Allow(d disk.Disk) error {
	if d.Serial == "bios" || d.Serial == "uefi" {
		return nil
	}
	return fmt.Errorf("%s is not a disk of this test", d)
}

func run() error {
	os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	for _, module := range []string{"vfat", "nls_cp437", "nls_ascii", "nls_utf8", "ext4"} {
		if out, err := exec.Command("modprobe", module).CombinedOutput(); err != nil {
			return fmt.Errorf("modprobe %s: %w %s", module, err, out)
		}
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	medium, err := disk.Mounted(mounts, "/target")
	if err != nil {
		return err
	}
	rescan := func() ([]disk.Disk, error) { return disk.Scan(os.DirFS("/sys"), medium) }
	disks, err := rescan()
	if err != nil {
		return err
	}
	for _, d := range disks {
		fmt.Println("PROVE", d)
	}
	eraser := disk.Eraser{Rescan: rescan, Tools: diskfs.Tools{Runner: tool.Exec{}}}
	for _, firmware := range []bootloader.Firmware{bootloader.BIOS, bootloader.UEFI} {
		d, err := disk.Select(disks, disk.Wanted{Serial: string(firmware)})
		if err != nil {
			return err
		}
		if err := deploy(eraser, d, firmware); err != nil {
			return err
		}
	}
	return nil
}

// places of the volumes by name.
var places = map[string]string{"ESP": "/boot/efi", "OSDisk": "/"}

func layout(firmware bootloader.Firmware) (diskfs.Style, []diskfs.Volume) {
	root := diskfs.Volume{Name: "OSDisk", Type: diskfs.Primary, Size: "100%", FileSystem: diskfs.Ext4, QuickFormat: true}
	swap := diskfs.Volume{Name: "swap", Type: diskfs.Primary, Size: "128MiB", FileSystem: diskfs.Swap, QuickFormat: true}
	if firmware == bootloader.BIOS {
		return diskfs.MBR, []diskfs.Volume{root, swap}
	}
	return diskfs.GPT, []diskfs.Volume{{Name: "ESP", Type: diskfs.EFI, Size: "256MiB", FileSystem: diskfs.FAT32, QuickFormat: true}, root, swap}
}

func deploy(eraser disk.Eraser, d disk.Disk, firmware bootloader.Firmware) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	began := time.Now()
	lap := func(what string) {
		fmt.Printf("PROVE %s: %s %.1f s\n", firmware, what, time.Since(began).Seconds())
		began = time.Now()
	}
	style, volumes := layout(firmware)
	prepared, err := eraser.Prepare(ctx, allowed{}, d, style, volumes, func(s string) { lap("before: " + s) })
	if err != nil {
		return err
	}
	lap("partition and format")
	s := bootloader.System{Root: "/target", Firmware: firmware, Disk: d.Device(), Name: "Debian 12"}
	var mounts []disk.Mount
	for _, p := range prepared {
		at := places[p.Volume.Name]
		s.Volumes = append(s.Volumes, bootloader.Volume{At: at, FileSystem: p.Volume.FileSystem, UUID: p.Signature.UUID})
		mounts = append(mounts, disk.Mount{Device: p.Device(), At: at, FileSystem: p.Volume.FileSystem})
	}
	if err := disk.MountAll("/target", mounts); err != nil {
		return err
	}
	if _, err := image.Apply(ctx, image.Wimlib{Runner: tool.Exec{}}, image.Options{WIM: "/image.wim", Index: 1, Target: "/target"}); err != nil {
		return err
	}
	lap("apply image")
	if err := settings.Apply("/target", settings.Settings{HostName: "PROOF-" + string(firmware)}); err != nil {
		return err
	}
	if err := (bootloader.Installer{Runner: tool.Exec{}, Mounts: bootloader.KernelMounts{}}).Install(ctx, s); err != nil {
		return err
	}
	lap("settings and boot loader")
	if err := disk.UnmountAll("/target", mounts); err != nil {
		return err
	}
	lap("unmount")
	return nil
}
