package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
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
// deployment and a first boot change on purpose is left out.
func compare(ctx context.Context, disk, manifest string) ([]osimage.Difference, int, error) {
	want, err := osimage.Load(manifest)
	if err != nil {
		return nil, 0, err
	}
	offset, err := largestPartition(ctx, disk)
	if err != nil {
		return nil, 0, err
	}
	expected := slices.Concat(osimage.Deployed(), osimage.Booted(), agentChanges())
	differences, err := osimage.CompareDisk(ctx, tool.Exec{}, want, disk, offset, expected)
	return differences, len(want.Entries), err
}

// largestPartition is where a disk's largest partition begins, in bytes, as
// sfdisk reads the table.
func largestPartition(ctx context.Context, image string) (offset int64, err error) {
	out, err := exec.CommandContext(ctx, "sfdisk", "--json", image).Output()
	if err != nil {
		return 0, fmt.Errorf("sfdisk %s: %w", image, err)
	}
	var table struct {
		PartitionTable struct {
			SectorSize int64 `json:"sectorsize"`
			Partitions []struct{ Start, Size int64 }
		}
	}
	if err := json.Unmarshal(out, &table); err != nil {
		return 0, fmt.Errorf("sfdisk %s: %w", image, err)
	}
	sector := max(table.PartitionTable.SectorSize, 512)
	size := int64(0)
	for _, p := range table.PartitionTable.Partitions {
		if p.Size*sector > size {
			offset, size = p.Start*sector, p.Size*sector
		}
	}
	if size == 0 {
		return 0, errors.New("sfdisk " + strconv.Quote(image) + ": no partition")
	}
	return offset, nil
}
