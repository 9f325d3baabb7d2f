package step

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// partitionDisk erases the chosen disk and makes its volumes. When one of them
// will take the operating system, the job folder moves there.
func (x *Executor) partitionDisk(ctx context.Context, line sequence.Line, s *sequence.PartitionDisk, env *sequence.Environment) engine.Result {
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
	own := s
	if s, err = s.WithVariables(env); err != nil {
		return failed(err)
	}
	if err := x.other(own, d); err != nil {
		return failed(err)
	}
	volumes, err := volumes(s, env)
	if err != nil {
		return failed(err)
	}
	sealed, err := x.fits(ctx, line, d, s, volumes, env)
	if err != nil {
		return failed(err)
	}
	if err := x.leaveVolume(); err != nil {
		return failed(err)
	}
	if sealed >= 0 { // the key travels with the folder, and comes into the open when the boot loader is there
		volumes[sealed].Unlock = diskfs.Passphrase(rand.Text() + rand.Text())
		if err := x.Folder.Write(job.FileUnlock, []byte(volumes[sealed].Unlock)); err != nil {
			return failed(err)
		}
	}
	prepared, err := x.Disks.Prepare(ctx, x.Permit, d, diskfs.Style(s.Style), volumes, x.Say)
	if err != nil {
		return failed(err)
	}
	l, err := made(d, s, prepared, env)
	if err != nil {
		return failed(err)
	}
	l.Named = named(own)
	if err := x.Folder.WriteJSON(job.FileDisk, l); err != nil {
		return failed(err)
	}
	if err := x.settle(l, env); err != nil {
		return failed(err)
	}
	return engine.Result{Output: fmt.Sprintf("%s: %d volumes", d, len(prepared))}
}

// other refuses the disk that an earlier step of the job has partitioned, if the two steps themselves name different ones:
// OSDDiskIndex is of all steps, and would have the second erase what the first has made.
func (x *Executor) other(own *sequence.PartitionDisk, d disk.Disk) error {
	var before job.Layout
	if err := x.Folder.ReadJSON(job.FileDisk, &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if n := named(own); n == nil || before.Named == nil || *n == *before.Named || before.Device != d.Device() {
		return nil
	}
	return fmt.Errorf("nothing was erased: OSDDiskIndex leads to %s, which an earlier step of this job has partitioned; that step names disk %d and this one disk %d: "+
		"set OSDDiskIndex to nothing before this step, or have a variable for each", d.Name, *before.Named, own.Disk)
}

// named is the number of the disk that a step itself names.
func named(s *sequence.PartitionDisk) *int {
	if s.Select != nil {
		return nil
	}
	return &s.Disk
}

// made is the layout of what was prepared; the variables of its volumes are set.
func made(d disk.Disk, s *sequence.PartitionDisk, prepared []disk.Prepared, env *sequence.Environment) (job.Layout, error) {
	l := job.Layout{Device: d.Device(), Style: s.Style}
	for i, p := range prepared {
		v := s.Volumes[i]
		l.Volumes = append(l.Volumes, job.Volume{Device: p.Device(), Name: v.Name, Type: v.Type, FileSystem: v.FileSystem,
			UUID: p.Signature.UUID, PartUUID: p.Target.PartUUID, Variable: v.Variable, MountPoint: v.MountPoint,
			Encrypted: v.Encryption != nil, LUKS: p.LUKS})
		if len(p.Slots) == 2 {
			l.Volumes[i].Unlock = &unlock.Volume{LUKS: p.LUKS, Passphrase: p.Slots[0], Temporary: p.Slots[1]}
		}
		if v.Variable == "" {
			continue
		}
		if err := env.Set(v.Variable, p.Device()); err != nil {
			return l, err
		}
	}
	return l, nil
}

// Wanted says which disk a step means, with the variables that change it. A step whose
// variables are wrong means none.
func Wanted(s *sequence.PartitionDisk, env *sequence.Environment) (disk.Wanted, error) {
	s, err := s.WithVariables(env)
	if err != nil {
		return disk.Wanted{}, err
	}
	if s.Select == nil {
		return disk.Wanted{Number: &s.Disk}, nil
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

// Layout says in one line what a step makes of its disk, for the person who allows it.
func Layout(s *sequence.PartitionDisk) string {
	parts := make([]string, len(s.Volumes))
	for i, v := range s.Volumes {
		parts[i] = strings.Join(strings.Fields(fmt.Sprint(v.Name, " ", v.Size, " ", cmp.Or(v.FileSystem, v.Type))), " ")
		if v.Encryption != nil {
			parts[i] += " encrypted"
		}
	}
	return s.Style + ": " + strings.Join(parts, ", ")
}

func volumes(s *sequence.PartitionDisk, env *sequence.Environment) ([]diskfs.Volume, error) {
	out := make([]diskfs.Volume, len(s.Volumes))
	for i, v := range s.Volumes {
		out[i] = diskfs.Volume{Name: v.Name, Type: diskfs.VolumeType(v.Type), Size: v.Size,
			FileSystem: diskfs.FileSystem(v.FileSystem), QuickFormat: v.QuickFormat, Bootable: v.Bootable, Encrypted: v.Encryption != nil}
		if v.Encryption == nil || v.Encryption.Passphrase == "" {
			continue
		}
		var err error
		if out[i].Passphrase, err = passphrase(v.Encryption.Passphrase, env); err != nil {
			return nil, fmt.Errorf("volume %d %q: %w", i+1, v.Name, err)
		}
	}
	return out, nil
}

// leaveVolume takes the job folder off a volume that is about to be erased.
func (x *Executor) leaveVolume() error {
	if strings.HasPrefix(x.Folder.Dir(), x.Root+"/") {
		if err := x.Folder.Move(x.InMemory); err != nil {
			return err
		}
	}
	if l, err := x.layout(); err == nil && l.Boot() != nil {
		if err := x.Volumes.Unmount(filepath.Join(x.Root, bootFolder)); err != nil {
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
			if v.Device == to && holdsSystem(v) {
				l.Target = to
				return errors.Join(x.Volumes.Mount(v.Device, diskfs.FileSystem(v.FileSystem), x.Root),
					x.Folder.WriteJSON(job.FileDisk, l),
					x.Folder.Move(filepath.Join(x.Root, job.Name)))
			}
		}
	}
	return nil
}
