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
	l, v, err := x.chosen(s.To, env)
	if err != nil {
		return failed(err)
	}
	to := v.Device
	if !holdsSystem(v) {
		return failed(fmt.Errorf("volume %s has file system %q%s; an operating system is applied to ext4 or xfs, and to an encrypted volume only where this step was to run when the disk was partitioned",
			to, v.FileSystem, map[bool]string{true: " and is encrypted"}[v.LUKS != ""]))
	}
	if l.Target != to { // the folder of the job waits on another volume
		if err := x.leaveVolume(); err != nil {
			return failed(err)
		}
	}
	if err := x.mountTarget(l, v); err != nil {
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

// holdsSystem says whether an operating system can be on the volume.
func holdsSystem(v job.Volume) bool {
	return (v.LUKS == "" || v.Unlock != nil) && (v.FileSystem == string(diskfs.Ext4) || v.FileSystem == string(diskfs.XFS))
}

// chosen is the volume that a step's field names, one that this job made.
func (x *Executor) chosen(field string, env *sequence.Environment) (job.Layout, job.Volume, error) {
	to, err := env.Expand(field)
	if err != nil {
		return job.Layout{}, job.Volume{}, err
	}
	if to == "" || strings.Contains(to, "%") {
		return job.Layout{}, job.Volume{}, fmt.Errorf("to: %q gives no volume; a partitionDisk step before this one must set the variable", field)
	}
	l, err := x.layout()
	if err != nil {
		return l, job.Volume{}, err
	}
	v, err := x.own(l, to)
	return l, v, err
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
