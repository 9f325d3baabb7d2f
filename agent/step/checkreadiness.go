package step

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// checkReadiness answers every check, in the product's variables too (_TS_CRMEMORY and so on, 1 or 0), and fails with
// all that is wrong.
func (x *Executor) checkReadiness(s *sequence.CheckReadiness, env *sequence.Environment) engine.Result {
	wanted, err := ready(s)
	if err != nil {
		return failed(err)
	}
	m := x.Running.Readiness()
	m.UEFI = x.UEFI
	if wanted.Disk > 0 && x.Stage == status.StageBootImage {
		m.Disk, m.DiskName = x.takenDisk(env)
	}
	var all, wrong []string
	for _, f := range wanted.Check(m) {
		all = append(all, f.Text)
		if !f.OK {
			wrong = append(wrong, f.Text)
		}
		if err := env.SetReadOnly(f.Variable, strconv.Itoa(map[bool]int{true: 1}[f.OK])); err != nil {
			return failed(err)
		}
	}
	res := engine.Result{Output: strings.Join(all, "\n")}
	if len(wrong) > 0 {
		res.Err = errors.New("the machine is not ready: " + strings.Join(wrong, "; "))
	}
	return res
}

// ready reads the sizes.
func ready(s *sequence.CheckReadiness) (readiness.Wanted, error) {
	w := readiness.Wanted{ProcessorMHz: s.ProcessorMHz, Firmware: s.Firmware, ACPower: s.ACPower, WiredNetwork: s.WiredNetwork}
	for _, f := range []struct {
		text string
		into *int64
	}{{s.Memory, &w.Memory}, {s.DiskSpace, &w.Disk}} {
		if f.text == "" {
			continue
		}
		size, err := diskfs.ParseSize(f.text)
		if err != nil {
			return w, err
		}
		*f.into = size.Bytes
	}
	return w, nil
}

// takenDisk is the size of the disk that the first partition step which will run takes.
func (x *Executor) takenDisk(env *sequence.Environment) (size int64, name string) {
	lines := x.Sequence.Flatten()
	for _, line := range lines {
		p, ok := line.Node.Step.(*sequence.PartitionDisk)
		if !ok {
			continue
		}
		if runs, err := x.willRun(lines, line, env); err != nil {
			return 0, fmt.Sprintf("the disk (%s)", err)
		} else if !runs {
			continue
		}
		d, err := x.disk(p, env)
		if err != nil {
			return 0, fmt.Sprintf("the disk (%s)", err)
		}
		return d.Size, d.String() + ":"
	}
	return 0, "the disk (no step that partitions one will run)"
}

func (x *Executor) disk(p *sequence.PartitionDisk, env *sequence.Environment) (disk.Disk, error) {
	disks, err := x.Disks.Scan()
	if err != nil {
		return disk.Disk{}, err
	}
	wanted, err := Wanted(p, env)
	if err != nil {
		return disk.Disk{}, err
	}
	return disk.Select(disks, wanted)
}

// willRun says whether a step is enabled, with the groups around it, and all their conditions hold as things are now.
func (x *Executor) willRun(lines []sequence.Line, line sequence.Line, env *sequence.Environment) (bool, error) {
	for {
		var condition *sequence.Condition
		var off bool
		if g := line.Node.Group; g != nil {
			condition, off = g.Condition, g.Disabled
		} else {
			o := line.Node.Step.Common()
			condition, off = o.Condition, o.Disabled
		}
		holds, err := condition.Holds(env, x.Facts)
		if err != nil || off || !holds || line.Parent == 0 {
			return err == nil && !off && holds, err
		}
		line = lines[line.Parent-1]
	}
}
