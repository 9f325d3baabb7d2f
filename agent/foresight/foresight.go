// Package foresight says before a task sequence begins which disk it will erase, so that a
// person can be asked for that one. It follows the sequence with what is known now: variables,
// hardware, the files of the boot image.
//
// Where that depends on what is only known later, such as the output of a command, it refuses:
// going on with the next partition step would ask for another disk than the one that is erased.
// It changes nothing. What really protects a disk is the job's permit, which is for the disk that
// the person confirmed.
package foresight

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/osd/sequence"
)

// Disk is the disk of the first partition step that the sequence will come to, and that step as
// variables change it.
func Disk(seq *sequence.Sequence, env *sequence.Environment, facts sequence.Facts, disks []disk.Disk) (disk.Disk, *sequence.PartitionDisk, error) {
	f := &future{env: env.Clone(), facts: facts, later: map[string]string{}, sure: map[string]bool{}}
	p, err := f.partition(seq)
	if err != nil {
		return disk.Disk{}, nil, fmt.Errorf("which disk the task sequence will erase cannot be said before it begins, so nothing was changed: %w", err)
	}
	if p == nil {
		return disk.Disk{}, nil, errors.New("no partition step of the task sequence applies to this machine")
	}
	wanted, err := step.Wanted(p, f.env)
	if err != nil {
		return disk.Disk{}, nil, err
	}
	if p, err = p.WithVariables(f.env); err != nil {
		return disk.Disk{}, nil, err
	}
	d, err := disk.Select(disks, wanted)
	return d, p, err
}

// partition finds the first partition step that is reached for certain, nil if there is none.
// One that may be reached is an error.
func (f *future) partition(seq *sequence.Sequence) (*sequence.PartitionDisk, error) {
	lines := seq.Flatten()
	reach := map[int]judgement{0: {verdict: yes}} // by number of the group
	for _, l := range lines {
		j := f.reach(l, reach[l.Parent])
		if l.Node.Group != nil {
			reach[l.Number] = j
			continue
		}
		if j.verdict == no {
			continue
		}
		p, ok := l.Node.Step.(*sequence.PartitionDisk)
		if !ok {
			f.effects(l, j)
			continue
		}
		if why := f.changes(p); why != "" {
			j = judgement{open, why}
		}
		if j.verdict == open {
			return nil, fmt.Errorf("step %d %q depends on what is known later: %s; let its conditions, and those of the groups around it, ask for hardware or for variables of the computer", l.Number, l.Name(), j.why)
		}
		return p, nil
	}
	return nil, nil
}

// changes says why it is known later which disk a partition step takes, or what it makes of it; the
// person who allows it sees both.
func (f *future) changes(p *sequence.PartitionDisk) string {
	names := slices.Concat(slices.Sorted(maps.Keys(f.env.All())), slices.Sorted(maps.Keys(f.later)))
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(strings.ToLower(n), "osdpartition") })
	if p.Select == nil {
		names = append(names, "OSDDiskIndex")
	}
	for _, name := range names {
		if why := f.doubt(name, map[string]bool{}); why != "" {
			return why
		}
	}
	return ""
}

// reach says whether a node in a group is reached.
func (f *future) reach(l sequence.Line, group judgement) judgement {
	disabled, condition := false, (*sequence.Condition)(nil)
	if l.Node.Group != nil {
		disabled, condition = l.Node.Group.Disabled, l.Node.Group.Condition
	} else {
		disabled, condition = l.Node.Step.Common().Disabled, l.Node.Step.Common().Condition
	}
	if disabled || group.verdict == no {
		return judgement{verdict: no}
	}
	return both(group, f.judge(condition))
}
