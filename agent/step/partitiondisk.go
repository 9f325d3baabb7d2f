package step

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// partitionDisk erases the chosen disk and makes its volumes. When one of them
// will take the operating system, the job folder moves there.
func (x *Executor) partitionDisk(ctx context.Context, s *sequence.PartitionDisk, env *sequence.Environment) engine.Result {
	if x.Permit == nil {
		return failed(disk.ErrNoPermit)
	}
	disks, err := x.Disks.Scan()
	if err != nil {
		return failed(err)
	}
	wanted, err := Wanted(s, env)
	if err != nil {
		return failed(err)
	}
	d, err := disk.Select(disks, wanted)
	if err != nil {
		return failed(err)
	}
	if err := x.leaveVolume(); err != nil {
		return failed(err)
	}
	prepared, err := x.Disks.Prepare(ctx, x.Permit, d, diskfs.Style(s.Style), volumes(s), x.Say)
	if err != nil {
		return failed(err)
	}
	l := job.Layout{Device: d.Device(), Style: s.Style}
	for i, p := range prepared {
		v := s.Volumes[i]
		l.Volumes = append(l.Volumes, job.Volume{Device: p.Device(), Name: v.Name, Type: v.Type, FileSystem: v.FileSystem, UUID: p.Signature.UUID, Variable: v.Variable})
		if v.Variable == "" {
			continue
		}
		if err := env.Set(v.Variable, p.Device()); err != nil {
			return failed(err)
		}
	}
	if err := x.Folder.WriteJSON(job.FileDisk, l); err != nil {
		return failed(err)
	}
	if err := x.settle(l, env); err != nil {
		return failed(err)
	}
	return engine.Result{Output: fmt.Sprintf("%s: %d volumes", d, len(prepared))}
}

// Wanted says which disk a step means. The variable OSDDiskIndex wins over the
// step's number.
func Wanted(s *sequence.PartitionDisk, env *sequence.Environment) (disk.Wanted, error) {
	if s.Select == nil {
		n := s.Disk
		if v, ok := env.Get("OSDDiskIndex"); ok && v != "" {
			if _, err := fmt.Sscanf(v, "%d", &n); err != nil || n < 0 {
				return disk.Wanted{}, fmt.Errorf("variable OSDDiskIndex is %q; give the number of a disk, from 0", v)
			}
		}
		return disk.Wanted{Number: &n}, nil
	}
	w := disk.Wanted{Bus: disk.Bus(s.Select.Bus), Model: s.Select.Model}
	for _, field := range []struct {
		text string
		into *int64
	}{{s.Select.MinSize, &w.MinSize}, {s.Select.MaxSize, &w.MaxSize}} {
		if field.text == "" {
			continue
		}
		size, err := diskfs.ParseSize(field.text)
		if err != nil {
			return w, err
		}
		*field.into = size.Bytes
	}
	return w, nil
}

func volumes(s *sequence.PartitionDisk) []diskfs.Volume {
	out := make([]diskfs.Volume, len(s.Volumes))
	for i, v := range s.Volumes {
		out[i] = diskfs.Volume{Name: v.Name, Type: diskfs.VolumeType(v.Type), Size: v.Size,
			FileSystem: diskfs.FileSystem(v.FileSystem), QuickFormat: v.QuickFormat, Bootable: v.Bootable}
	}
	return out
}

// leaveVolume takes the job folder off a volume that is about to be erased.
func (x *Executor) leaveVolume() error {
	if strings.HasPrefix(x.Folder.Dir(), x.Root+"/") {
		if err := x.Folder.Move(x.InMemory); err != nil {
			return err
		}
	}
	return x.Volumes.Unmount(x.Root)
}

// settle finds the volume that will take the operating system (the `to` of a
// later step names it), mounts it and moves the job folder there, so that the
// state survives the restart.
func (x *Executor) settle(l job.Layout, env *sequence.Environment) error {
	for _, line := range x.Sequence.Flatten() {
		a, ok := line.Node.Step.(*sequence.ApplyOperatingSystem)
		if !ok {
			continue
		}
		to, err := env.Expand(a.To)
		if err != nil {
			return err
		}
		for _, v := range l.Volumes {
			if v.Device == to && v.FileSystem == string(diskfs.Ext4) {
				l.Target = to
				return errors.Join(x.Volumes.Mount(v.Device, diskfs.Ext4, x.Root),
					x.Folder.WriteJSON(job.FileDisk, l),
					x.Folder.Move(filepath.Join(x.Root, job.Name)))
			}
		}
	}
	return nil
}
