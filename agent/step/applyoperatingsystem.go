package step

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// applyOperatingSystem lays an image down on a volume that this job made.
func (x *Executor) applyOperatingSystem(ctx context.Context, line sequence.Line, s *sequence.ApplyOperatingSystem, env *sequence.Environment) engine.Result {
	to, err := env.Expand(s.To)
	if err != nil {
		return failed(err)
	}
	if to == "" || strings.Contains(to, "%") {
		return failed(fmt.Errorf("to: %q gives no volume; a partitionDisk step before this one must set the variable", s.To))
	}
	l, err := x.layout()
	if err != nil {
		return failed(err)
	}
	v, err := x.own(l, to)
	if err != nil {
		return failed(err)
	}
	if v.FileSystem != string(diskfs.Ext4) {
		return failed(fmt.Errorf("volume %s has file system %q; an operating system is applied to ext4", to, v.FileSystem))
	}
	if err := x.Volumes.Mount(v.Device, diskfs.Ext4, x.Root); err != nil {
		return failed(err)
	}
	index := max(s.Index, 1)
	x.Say(fmt.Sprintf("apply image %q, index %d, to %s", s.Image, index, to))
	err = x.Images.Apply(ctx, s.Image, index, x.Root, func(done, total int64) { x.Progress(line, done, total) })
	if err != nil {
		return failed(err)
	}
	l.Target, l.Applied = to, true
	if err := x.Folder.WriteJSON(job.FileDisk, l); err != nil {
		return failed(err)
	}
	for name, value := range map[string]string{"OSDTargetSystemDrive": to, "OSDTargetSystemRoot": x.Root} {
		if err := env.Set(name, value); err != nil {
			return failed(err)
		}
	}
	return engine.Result{Output: fmt.Sprintf("image %q, index %d, is on %s", s.Image, index, to)}
}

// own finds the volume among those that this job made, and asks the permit for
// its disk once more.
func (x *Executor) own(l job.Layout, device string) (job.Volume, error) {
	for _, v := range l.Volumes {
		if v.Device == device {
			return v, x.allow(l.Device)
		}
	}
	return job.Volume{}, fmt.Errorf("volume %s was not made by this job: nothing is written to it", device)
}

func (x *Executor) allow(device string) error {
	if x.Permit == nil {
		return disk.ErrNoPermit
	}
	disks, err := x.Disks.Scan()
	if err != nil {
		return err
	}
	for _, d := range disks {
		if d.Device() == device {
			return x.Permit.Allow(d)
		}
	}
	return fmt.Errorf("disk %s is gone", device)
}
