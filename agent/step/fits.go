package step

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
)

// applied is an image that a later step lays down.
type applied struct {
	image string
	index int
	to    string
	data  bool // it holds no operating system
}

// fits looks, before anything is erased, whether the layout fits the disk, and whether each
// image that a later step applies to one of its volumes can be had and fits there. Steps
// whose conditions do not hold now do not count: what they apply is looked at when they run.
// sealed is the index of the encrypted volume that takes an operating system, -1 if none does.
func (x *Executor) fits(ctx context.Context, line sequence.Line, d disk.Disk, s *sequence.PartitionDisk, volumes []diskfs.Volume, env *sequence.Environment) (sealed int, err error) {
	layout, err := diskfs.Plan(diskfs.Style(s.Style), d.Geometry(), volumes)
	if err != nil {
		return -1, fmt.Errorf("%s: nothing was erased: %w", d.Name, err)
	}
	later, err := x.later(line, d, s, layout, env)
	if err != nil {
		return -1, err
	}
	sealed = -1
	need := make([]image.Need, len(volumes))
	for _, a := range later {
		for i, v := range s.Volumes {
			if a.to != diskfs.PartitionNode(d.Device(), layout.Partitions[i].Number) {
				continue
			}
			if v.Encryption != nil && !a.data {
				if err := x.seals(ctx, a, s, layout, sealed, i); err != nil {
					return -1, fmt.Errorf("image %q: %w; nothing was erased", a.image, err)
				}
				sealed = i
			}
			n, err := x.Images.Need(ctx, a.image, a.index)
			if err != nil {
				return -1, fmt.Errorf("nothing was erased: %w", err)
			}
			need[i] = need[i].Plus(n)
			bytes, inodes := diskfs.Capacity(volumes[i], layout.Partitions[i].Length)
			if err := need[i].In(bytes, inodes); err != nil {
				return -1, fmt.Errorf("image %q, index %d, to volume %d %q, which would get %s of %s: %w; nothing was erased",
					a.image, a.index, i+1, v.Name, diskfs.Bytes(layout.Partitions[i].Length), d, err)
			}
		}
	}
	return sealed, nil
}

// minBoot is the least volume of /boot: two kernels, and an initramfs of each that is replaced.
const minBoot = 256 << 20

// seals refuses an operating system for encrypted volume i that could not start from there.
func (x *Executor) seals(ctx context.Context, a applied, s *sequence.PartitionDisk, layout diskfs.Layout, sealed, i int) error {
	boot := s.Boot()
	switch {
	case s.Volumes[i].Encryption.Passphrase == "":
		return errors.New("an operating system is not applied to a volume that is encrypted by a random key")
	case boot < 0:
		return errors.New("an operating system on an encrypted volume starts from a volume beside it: give the step the volume {name: Boot, type: primary, size: 1GiB, fileSystem: ext4, mountPoint: /boot}")
	case layout.Partitions[boot].Length < minBoot:
		return fmt.Errorf("the volume of /boot would get %s, and kernels need %s at least", diskfs.Bytes(layout.Partitions[boot].Length), diskfs.Bytes(minBoot))
	case sealed >= 0 && sealed != i:
		return errors.New("two encrypted volumes of one disk would take an operating system, and one is started")
	}
	there, err := x.Images.Holds(ctx, a.image, a.index, "/"+bootloader.CryptHook)
	if err == nil && !there {
		err = errors.New(bootloader.NoCryptHook)
	}
	return err
}

// later are the images that the steps behind a partition step apply, up to the next one that
// runs; to is the partition as it will be.
func (x *Executor) later(line sequence.Line, d disk.Disk, s *sequence.PartitionDisk, layout diskfs.Layout, env *sequence.Environment) ([]applied, error) {
	then := env.Clone() // as the variables will be
	for name := range env.Lent() {
		then.Delete(name)
	}
	for i, v := range s.Volumes {
		if v.Variable != "" {
			if err := then.Set(v.Variable, diskfs.PartitionNode(d.Device(), layout.Partitions[i].Number)); err != nil {
				return nil, err
			}
		}
	}
	var out []applied
	lines := x.Sequence.Flatten()
	for _, l := range lines[min(line.Number, len(lines)):] {
		if l.Node.Step == nil || !runs(lines, l, then) {
			continue
		}
		a := applied{}
		switch s := l.Node.Step.(type) {
		case *sequence.PartitionDisk:
			return out, nil
		case *sequence.ApplyOperatingSystem:
			a = applied{image: s.Image, index: max(s.Index, 1), to: s.To}
		case *sequence.ApplyDataImage:
			a = applied{image: s.Image, index: max(s.Index, 1), to: s.To, data: true}
		default:
			continue
		}
		var err error
		if a.to, err = then.Expand(a.to); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// runs says whether a step and the groups around it are enabled and their conditions hold,
// as far as variables tell.
func runs(lines []sequence.Line, l sequence.Line, env *sequence.Environment) bool {
	disabled, condition := l.Node.Step.Common().Disabled, l.Node.Step.Common().Condition
	for {
		if holds, err := condition.Holds(env, nil); disabled || err != nil || !holds {
			return false
		}
		if l.Parent == 0 {
			return true
		}
		l = lines[l.Parent-1]
		disabled, condition = l.Node.Group.Disabled, l.Node.Group.Condition
	}
}

// passphrase is the value of the variable that a field names. It is not expanded further:
// percent signs are part of it.
func passphrase(field string, env *sequence.Environment) (diskfs.Passphrase, error) {
	name := strings.Trim(field, "%")
	value, ok := env.Get(name)
	if !ok || value == "" {
		return "", fmt.Errorf("variable %s, which is to hold the passphrase, is empty: name the secret of it in the step's secrets", name)
	}
	return diskfs.Passphrase(value), nil
}
