// Package machine is the real machine behind the interfaces of package step:
// disks through agent/disk, mounts, images streamed from the box through wimlib,
// settings, boot loader, commands.
//
// What decides whether something may be erased is not here: see agent/permit.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
)

// Disks implements step.Disks on this machine.
type Disks struct {
	// Medium are the device numbers of what the machine booted from.
	Medium []string
	Tools  diskfs.Tools
}

// NewDisks looks at what is mounted now: that is the boot medium and must not be
// touched. It is called before anything of the target's is mounted, or with the
// folders below which that is.
func NewDisks(ignore ...string) (*Disks, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	defer f.Close()
	medium, err := disk.Mounted(f, ignore...)
	if err != nil {
		return nil, err
	}
	return &Disks{Medium: medium, Tools: diskfs.Tools{Runner: tool.Exec{}}}, nil
}

// Scan implements step.Disks.
func (d *Disks) Scan() ([]disk.Disk, error) { return disk.Scan(os.DirFS("/sys"), d.Medium) }

// Prepare implements step.Disks.
func (d *Disks) Prepare(ctx context.Context, permit disk.Permit, which disk.Disk, style diskfs.Style, volumes []diskfs.Volume, say func(string)) ([]disk.Prepared, error) {
	return disk.Eraser{Rescan: d.Scan, Tools: d.Tools}.Prepare(ctx, permit, which, style, volumes, say)
}

// Volumes implements step.Volumes with mount(2).
type Volumes struct{ mounted []mounted }

// mounted is something that is mounted somewhere.
type mounted struct{ what, at string }

// find is the place of what is mounted at a folder, -1 if nothing is.
func (v *Volumes) find(at string) int {
	return slices.IndexFunc(v.mounted, func(m mounted) bool { return m.at == at })
}

// is says whether something is mounted at a folder already; that another thing is, is an error:
// what is meant for one volume must not go to another.
func (v *Volumes) is(what, at string) (bool, error) {
	i := v.find(at)
	if i >= 0 && v.mounted[i].what != what {
		return false, fmt.Errorf("mount %s at %s: %s is mounted there", what, at, v.mounted[i].what)
	}
	return i >= 0, nil
}

// kernelName is the kernel's name of a file system, empty for one that cannot be
// mounted.
func kernelName(f diskfs.FileSystem) string {
	switch f {
	case diskfs.Ext4, diskfs.XFS:
		return string(f)
	case diskfs.FAT32:
		return "vfat"
	}
	return ""
}

// Mount implements step.Volumes.
func (v *Volumes) Mount(device string, f diskfs.FileSystem, at string) error {
	if there, err := v.is(device, at); there || err != nil {
		return err
	}
	kind := kernelName(f)
	if kind == "" {
		return fmt.Errorf("mount %s: a volume of file system %q cannot be mounted here", device, f)
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	if err := unix.Mount(device, at, kind, unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount %s at %s as %s: %w", device, at, kind, err)
	}
	v.mounted = append(v.mounted, mounted{device, at})
	return nil
}

// Unmount implements step.Volumes.
func (v *Volumes) Unmount(at string) error {
	i := v.find(at)
	if i < 0 {
		return nil
	}
	if err := unmount(at); err != nil {
		return fmt.Errorf("unmount %s: %w", at, err)
	}
	v.mounted = slices.Delete(v.mounted, i, i+1)
	return nil
}

// Close unmounts everything, last first.
func (v *Volumes) Close() error {
	var errs []error
	for _, m := range slices.Backward(slices.Clone(v.mounted)) {
		errs = append(errs, v.Unmount(m.at))
	}
	return errors.Join(errs...)
}

// System implements step.System.
type System struct {
	// Executable is the agent's own program.
	Executable string
	// Client says that the agent stays, as the client, when the job has succeeded.
	Client bool
}

// Settings implements step.System.
func (System) Settings(dir string, s settings.Settings) error { return settings.Apply(dir, s) }

// Windows implements step.System.
func (System) Windows(ctx context.Context, dir string, w settings.Windows) error {
	return settings.ApplyWindows(ctx, dir, w, tool.Func(withDevices), time.Now())
}

// withDevices runs a program of the applied system, which finds the devices where it expects them.
func withDevices(ctx context.Context, c tool.Command) (err error) {
	dev := filepath.Join(c.Root, "dev")
	if err := (bootloader.KernelMounts{}).Bind("/dev", dev); err != nil {
		return fmt.Errorf("bind /dev: %w", err)
	}
	defer func() { err = errors.Join(err, bootloader.KernelMounts{}.Unbind(dev)) }()
	return tool.Exec{}.Run(ctx, c)
}

// BootLoader implements step.System.
func (System) BootLoader(ctx context.Context, s bootloader.System, say func(string)) error {
	var err error
	if s.SecureBoot, err = secureBoot(os.DirFS("/sys")); err != nil {
		return err
	}
	in := bootloader.Installer{Runner: tool.Exec{}, Mounts: bootloader.KernelMounts{}, Step: say}
	return in.Install(ctx, s)
}

// Agent implements step.System.
func (s System) Agent(root string) error {
	root = filepath.Clean(root)
	if err := Install(root, s.Executable); err != nil || !s.Client {
		return err
	}
	return InstallClient(root)
}

// Unlock implements step.System.
func (System) Unlock(root string, v unlock.Volume, key []byte) error { return unlock.Put(root, v, key) }
