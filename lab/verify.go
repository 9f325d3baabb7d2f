package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/bootward/bootward/lab/osimage"
)

// agentChanges are the paths that Setup Operating System adds: the agent.
func agentChanges() []string {
	return []string{
		"/usr/lib/bootward", "/usr/lib/bootward/**",
		"/etc/systemd/system/**", "/_SMSTaskSequence", "/_SMSTaskSequence/**",
		"/var/log/bootward", "/var/log/bootward/**",
		"/etc/bootward", "/etc/bootward/**", "/var/lib/bootward", "/var/lib/bootward/**",
	}
}

// CompareDisk holds the system that was deployed onto a disk image against the
// tree that was captured: types, modes, owners, contents, links and
// capabilities. The machine must be off. What a deployment and a first boot
// change on purpose is left out of the comparison.
func CompareDisk(ctx context.Context, image string, manifest string) ([]osimage.Difference, int, error) {
	want, err := osimage.Load(manifest)
	if err != nil {
		return nil, 0, err
	}
	offset, size, err := largestPartition(ctx, image)
	if err != nil {
		return nil, 0, err
	}
	root, err := os.MkdirTemp(filepath.Dir(image), "deployed-")
	if err != nil {
		return nil, 0, fmt.Errorf("compare %s: %w", image, err)
	}
	options := fmt.Sprintf("ro,noload,loop,offset=%d,sizelimit=%d", offset, size)
	if out, err := exec.CommandContext(ctx, "mount", "-t", "ext4", "-o", options, image, root).CombinedOutput(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("mount %s at %d: %w: %s", image, offset, err, out), os.Remove(root))
	}
	expected := append(osimage.Deployed(), osimage.Booted()...)
	differences, err := osimage.Compare(ctx, want, root, append(expected, agentChanges()...))
	if out, uerr := exec.Command("umount", root).CombinedOutput(); uerr != nil {
		err = errors.Join(err, fmt.Errorf("umount %s: %w: %s", root, uerr, out))
	} else {
		err = errors.Join(err, os.Remove(root))
	}
	return differences, len(want.Entries), err
}

// largestPartition is where a disk's largest partition lies, in bytes, as
// sfdisk reads the table.
func largestPartition(ctx context.Context, image string) (offset, size int64, err error) {
	out, err := exec.CommandContext(ctx, "sfdisk", "--json", image).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("sfdisk %s: %w", image, err)
	}
	var table struct {
		PartitionTable struct {
			SectorSize int64 `json:"sectorsize"`
			Partitions []struct{ Start, Size int64 }
		}
	}
	if err := json.Unmarshal(out, &table); err != nil {
		return 0, 0, fmt.Errorf("sfdisk %s: %w", image, err)
	}
	sector := max(table.PartitionTable.SectorSize, 512)
	for _, p := range table.PartitionTable.Partitions {
		if p.Size*sector > size {
			offset, size = p.Start*sector, p.Size*sector
		}
	}
	if size == 0 {
		return 0, 0, errors.New("sfdisk " + strconv.Quote(image) + ": no partition")
	}
	return offset, size, nil
}
