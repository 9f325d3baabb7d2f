package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/lab/osimage"
)

// agentChanges are the paths that Setup Operating System adds: the agent, and
// what stays of it where the site wants a client (docs/formats/client.md).
func agentChanges() []string {
	return []string{
		"/usr/lib/bootward", "/usr/lib/bootward/**",
		"/etc/systemd/system/**", "/_SMSTaskSequence", "/_SMSTaskSequence/**",
		"/var/log/bootward", "/var/log/bootward/**",
		"/etc/bootward", "/etc/bootward/**", "/var/lib/bootward", "/var/lib/bootward/**",
		"/var/lib/bootward-client", "/var/lib/bootward-client/**",
	}
}

// compare holds the system that was deployed onto a disk image against the
// tree that was captured, and returns how many entries that tree has. What a
// deployment, a first boot and its own sequence (changes) change on purpose is left out.
func compare(ctx context.Context, disk, manifest string, changes []string) ([]osimage.Difference, int, error) {
	want, err := osimage.Load(manifest)
	if err != nil {
		return nil, 0, err
	}
	offset, err := largestPartition(ctx, disk)
	if err != nil {
		return nil, 0, err
	}
	expected := slices.Concat(osimage.Deployed(), osimage.Booted(), agentChanges(), changes)
	differences, err := osimage.CompareDisk(ctx, tool.Exec{}, want, disk, offset, expected)
	return differences, len(want.Entries), err
}

// table is a partition table as sfdisk reads it.
type table struct {
	Label      string
	SectorSize int64
	Partitions []struct{ Start, Size int64 } // in sectors
}

func (t table) sector() int64 { return max(t.SectorSize, 512) }

func readTable(ctx context.Context, image string) (table, error) {
	out, err := output(ctx, "sfdisk", "--json", image)
	if err != nil {
		return table{}, err
	}
	var read struct{ PartitionTable table }
	if err := json.Unmarshal([]byte(out), &read); err != nil {
		return table{}, fmt.Errorf("sfdisk %s: %w", image, err)
	}
	return read.PartitionTable, nil
}

// largestPartition is where a disk's largest partition begins, in bytes, as
// sfdisk reads the table.
func largestPartition(ctx context.Context, image string) (offset int64, err error) {
	t, err := readTable(ctx, image)
	if err != nil {
		return 0, err
	}
	size := int64(0)
	for _, p := range t.Partitions {
		if p.Size > size {
			offset, size = p.Start*t.sector(), p.Size
		}
	}
	if size == 0 {
		return 0, errors.New("sfdisk " + strconv.Quote(image) + ": no partition")
	}
	return offset, nil
}
