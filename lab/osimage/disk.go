package osimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/bootward/bootward/diskfs/tool"
)

// CompareDisk mounts the ext4 or xfs volume that lies at offset in a disk image,
// read-only, and compares it with the manifest. The machine must have been shut
// down: a journal is not replayed, since nothing may be written. It needs root
// and a loop device.
func CompareDisk(ctx context.Context, run tool.Runner, m Manifest, disk string, offset int64, expected []string) (diffs []Difference, err error) {
	dir, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir)
	at, kind := strconv.FormatInt(offset, 10), ""
	if err := run.Run(ctx, tool.Command{Path: "blkid", Args: []string{"-p", "-O", at, "-s", "TYPE", "-o", "value", disk}, Line: func(line string) { kind = line }}); err != nil {
		return nil, fmt.Errorf("compare %s with its source: %w", disk, err)
	}
	unplayed, ok := map[string]string{"ext4": "noload", "xfs": "norecovery,nouuid"}[kind]
	if !ok {
		return nil, fmt.Errorf("compare %s with its source: at byte %s is %q, want ext4 or xfs", disk, at, kind)
	}
	if err := run.Run(ctx, tool.Command{Path: "mount", Args: []string{"-t", kind, "-o", "loop,ro," + unplayed + ",offset=" + at, disk, dir}}); err != nil {
		return nil, fmt.Errorf("compare %s with its source: %w", disk, err)
	}
	defer func() {
		err = errors.Join(err, run.Run(context.WithoutCancel(ctx), tool.Command{Path: "umount", Args: []string{dir}}))
	}()
	return Compare(ctx, m, dir, expected)
}
