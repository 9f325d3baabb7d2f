package step

import (
	"context"
	"fmt"
	"strings"

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
func (x *Executor) fits(ctx context.Context, line sequence.Line, d disk.Disk, s *sequence.PartitionDisk, volumes []diskfs.Volume, env *sequence.Environment) error {
	layout, err := diskfs.Plan(diskfs.Style(s.Style), d.Geometry(), volumes)
	if err != nil {
		return fmt.Errorf("%s: nothing was erased: %w", d.Name, err)
	}
	later, err := x.later(line, d, s, env)
	if err != nil {
		return err
	}
	need := make([]image.Need, len(volumes))
	for _, a := range later {
		for i, v := range s.Volumes {
			if a.to != diskfs.PartitionNode(d.Device(), i+1) {
				continue
			}
			if v.Encryption != nil && !a.data {
				return fmt.Errorf("image %q: an operating system is not applied to an encrypted volume; nothing was erased", a.image)
			}
			n, err := x.Images.Need(ctx, a.image, a.index)
			if err != nil {
				return fmt.Errorf("nothing was erased: %w", err)
			}
			need[i] = need[i].Plus(n)
			bytes, inodes := diskfs.Capacity(volumes[i], layout.Partitions[i].Length)
			if err := need[i].In(bytes, inodes); err != nil {
				return fmt.Errorf("image %q, index %d, to volume %d %q, which would get %s of %s: %w; nothing was erased",
					a.image, a.index, i+1, v.Name, diskfs.Bytes(layout.Partitions[i].Length), d, err)
			}
		}
	}
	return nil
}

// later are the images that the steps behind a partition step apply, up to the next one that
// runs; to is the partition as it will be.
func (x *Executor) later(line sequence.Line, d disk.Disk, s *sequence.PartitionDisk, env *sequence.Environment) ([]applied, error) {
	then := env.Clone() // as the variables will be
	for name := range env.Lent() {
		then.Delete(name)
	}
	for i, v := range s.Volumes {
		if v.Variable != "" {
			if err := then.Set(v.Variable, diskfs.PartitionNode(d.Device(), i+1)); err != nil {
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
