package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// volume is what a volume of a disk must be.
type volume struct {
	kind        string // as blkid(8) names it; empty for an extended partition
	file, holds string // a file at its root, and what it holds; none when empty
}

// reads are the programs that look for faults of a file system without changing it. %s is the device.
func (v volume) reads() []string {
	switch v.kind {
	case "xfs":
		return []string{"xfs_repair -n %s"}
	case "vfat":
		return []string{"fsck.fat -n %s"}
	case "ntfs":
		return []string{"ntfsfix -n %s", "ntfsinfo -m %s"}
	case "swap":
		return []string{"swaplabel %s"}
	}
	return nil
}

// content is the program that prints the file of a volume.
func (v volume) content(device string) []string {
	if v.kind == "ntfs" {
		return []string{"ntfscat", device, v.file}
	}
	return []string{"mtype", "-i", device, "::" + v.file}
}

// readBack holds that the disk of a machine that is off has these volumes, by programs that are not ours.
func (p *play) readBack(ctx context.Context, d *Deployment, table string, want []volume) error {
	disk := filepath.Join(d.Machine.Dir(), "disk.img")
	t, err := readTable(ctx, disk)
	if err != nil {
		return err
	}
	if t.Label != table || len(t.Partitions) != len(want) {
		return fmt.Errorf("scenario %s: the disk of %s has %d volumes in a table of type %s, want %d, %s", p.scenario.Name, d.Target.Name, len(t.Partitions), t.Label, len(want), table)
	}
	if _, err := output(ctx, "sfdisk", "--verify", disk); err != nil {
		return err
	}
	if _, err := output(ctx, "parted", "--script", "--machine", disk, "print"); err != nil {
		return err
	}
	for i, v := range want {
		if v.kind == "" {
			continue
		}
		if err := readVolume(ctx, disk, t.Partitions[i].Start*t.sector(), t.Partitions[i].Size*t.sector(), v); err != nil {
			return fmt.Errorf("scenario %s: volume %d of %s: %w", p.scenario.Name, i+1, d.Target.Name, err)
		}
		p.holds("volume %d of %s: %s find no fault%s", i+1, d.Target.Name, strings.ReplaceAll(strings.Join(append([]string{"blkid"}, v.reads()...), ", "), " %s", ""), v.found())
	}
	return nil
}

func (v volume) found() string {
	if v.file == "" {
		return ""
	}
	return fmt.Sprintf("; %s holds %q", v.file, v.holds)
}

// readVolume looks at one volume of a disk image through a loop device that cannot be written.
func readVolume(ctx context.Context, disk string, offset, length int64, v volume) (err error) {
	loop, detach, err := loopDevice(ctx, disk, "--offset", strconv.FormatInt(offset, 10), "--sizelimit", strconv.FormatInt(length, 10))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, detach()) }()
	kind, err := output(ctx, "blkid", "-p", "-s", "TYPE", "-o", "value", loop)
	if err != nil {
		return err
	}
	if strings.TrimSpace(kind) != v.kind {
		return fmt.Errorf("it is %q, want %s", strings.TrimSpace(kind), v.kind)
	}
	for _, line := range v.reads() {
		args := strings.Fields(fmt.Sprintf(line, loop))
		if _, err := output(ctx, args[0], args[1:]...); err != nil {
			return err
		}
	}
	if v.file == "" {
		return nil
	}
	args := v.content(loop)
	text, err := output(ctx, args[0], args[1:]...)
	if err == nil && !strings.Contains(text, v.holds) {
		err = fmt.Errorf("%s holds %q, want %q", v.file, text, v.holds)
	}
	return err
}
