package step

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// setupOperatingSystem installs boot loader and agent and restarts into the
// installed system, where the agent goes on and cleans up at the end.
func (x *Executor) setupOperatingSystem(ctx context.Context, env *sequence.Environment) (res engine.Result) {
	if x.Stage != status.StageBootImage {
		return failed(errors.New("the step belongs into the boot image, before the restart into the installed system"))
	}
	l, root, err := x.target()
	if err != nil {
		return failed(err)
	}
	if err := x.allow(l.Device); err != nil {
		return failed(err)
	}
	s := bootloader.System{Root: x.Root, Firmware: bootloader.BIOS, Disk: l.Device, Name: "Linux"}
	if x.UEFI {
		s.Firmware = bootloader.UEFI
	}
	for _, v := range l.Volumes {
		if at := mountPoint(v, root); at != "" || v.LUKS != "" || v.FileSystem == string(diskfs.Swap) {
			s.Volumes = append(s.Volumes, installed(v, at))
		}
		if at := mountPoint(v, root); at == "/boot/efi" {
			esp := filepath.Join(x.Root, at)
			if err := x.Volumes.Mount(v.Device, diskfs.FAT32, esp); err != nil {
				return failed(err)
			}
			defer func() {
				if err := x.Volumes.Unmount(esp); err != nil && res.Err == nil {
					res = failed(err)
				}
			}()
		}
	}
	if err := x.System.BootLoader(ctx, s, x.Say); err != nil {
		return failed(err)
	}
	x.Say("install the agent")
	if err := x.System.Agent(x.Root); err != nil {
		return failed(err)
	}
	if err := x.settled(); err != nil {
		return failed(err)
	}
	if err := x.unlock(root); err != nil {
		return failed(err)
	}
	return engine.Result{Restart: &engine.Restart{To: sequence.ToInstalledOS, Message: "restart into the installed system"}}
}

// unlock lets an encrypted system start unattended from now on. It is the last that the boot
// image does: what fails before it leaves no key in the open.
func (x *Executor) unlock(root job.Volume) error {
	if root.Unlock == nil {
		return nil
	}
	key, err := x.Folder.Read(job.FileUnlock)
	if err != nil {
		return fmt.Errorf("temporary key of the target's volume: %w", err)
	}
	x.Say("the disk is NOT protected until the job ends: a temporary key of its encrypted volume lies on /boot, so that the machine restarts unattended")
	return x.System.Unlock(x.Root, *root.Unlock, key)
}

// mountPoint is where a volume of the layout belongs in the installed system.
func mountPoint(v, root job.Volume) string {
	switch {
	case v.Device == root.Device:
		return "/"
	case v.Type == string(diskfs.EFI):
		return "/boot/efi"
	}
	return v.MountPoint
}

// installed is a volume as the installed system knows it.
func installed(v job.Volume, at string) bootloader.Volume {
	out := bootloader.Volume{At: at, FileSystem: diskfs.FileSystem(v.FileSystem), UUID: v.UUID, LUKS: v.LUKS}
	if v.Encrypted && out.FileSystem == diskfs.Swap {
		out.RandomKey = v.PartUUID
	}
	return out
}

// settled makes sure that the job folder is on the target's volume.
func (x *Executor) settled() error {
	at := filepath.Join(x.Root, job.Name)
	if x.Folder.Dir() == at {
		return nil
	}
	return x.Folder.Move(at)
}
