package boot

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

type mountPoint struct {
	source, target, fsType string
	flags                  uintptr
	options                string
	optional               bool
}

const locked = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// basics is what every role needs, in order. The initramfs itself is rootfs, which cannot be unmounted.
func basics() []mountPoint {
	return []mountPoint{
		{"proc", "/proc", "proc", locked, "", false},
		{"sysfs", "/sys", "sysfs", locked, "", false},
		{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID, "mode=0755", false},
		{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0620,ptmxmode=0666", true},
		{"tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777", true},
		{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755,size=25%", false},
		{"tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777,size=50%", false},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", locked, "", true},
	}
}

func mountBasics(log *slog.Logger) error {
	for _, m := range basics() {
		if err := mount(m); err != nil {
			if m.optional {
				log.Warn("optional mount failed", "error", err)
				continue
			}
			return err
		}
	}
	if err := os.MkdirAll(RunDir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", RunDir, err)
	}
	return nil
}

func mount(m mountPoint) error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", m.target, err)
	}
	err := unix.Mount(m.source, m.target, m.fsType, m.flags, m.options)
	if errors.Is(err, unix.EBUSY) {
		return nil // already there
	}
	if err != nil {
		return fmt.Errorf("mount %s (%s) on %s: %w", m.source, m.fsType, m.target, err)
	}
	return nil
}

// mountEFIVariables mounts efivarfs where the firmware is UEFI; elsewhere there is nothing to mount.
func mountEFIVariables() error {
	if _, err := os.Stat("/sys/firmware/efi/efivars"); err != nil {
		return nil
	}
	return mount(mountPoint{"efivarfs", "/sys/firmware/efi/efivars", "efivarfs", locked, "", true})
}

// unmountAll writes everything out and unmounts disks, last mounted first; what is busy is made read-only.
func unmountAll(log *slog.Logger) {
	unix.Sync()
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		log.Warn("cannot list mounts", "error", err)
		return
	}
	targets := diskMounts(string(raw))
	slices.Reverse(targets)
	for _, t := range targets {
		if err := unix.Unmount(t, 0); err == nil {
			continue
		}
		if err := unix.Mount("", t, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			log.Warn("cannot unmount", "target", t, "error", err)
		}
	}
	unix.Sync()
}

// diskMounts lists the mount points in the format of /proc/self/mounts that sit on a device or on FUSE.
func diskMounts(mounts string) (targets []string) {
	lines := bufio.NewScanner(strings.NewReader(mounts))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) >= 3 && (strings.HasPrefix(f[0], "/dev/") || strings.HasPrefix(f[2], "fuse")) {
			targets = append(targets, strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(f[1]))
		}
	}
	return targets
}
