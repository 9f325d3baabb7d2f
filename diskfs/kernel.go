package diskfs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// nodePoll is how often a missing device node is looked for; devtmpfs makes it
// while the table is read, so the first look nearly always finds it.
const nodePoll = 20 * time.Millisecond

// PartitionNode is the name of partition n of a disk: /dev/sda1, /dev/nvme0n1p1.
func PartitionNode(disk string, n int) string {
	if last := disk[len(disk)-1]; last >= '0' && last <= '9' {
		return disk + "p" + strconv.Itoa(n)
	}
	return disk + strconv.Itoa(n)
}

// targets says where the partitions are, after the kernel learned of them.
func targets(ctx context.Context, f *os.File, l Layout) ([]Target, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var out []Target
	for _, p := range l.Partitions {
		out = append(out, Target{Path: f.Name(), Offset: p.Start, Length: p.Length, SectorSize: l.Geometry.SectorSize, DiskOffset: p.Start})
	}
	if info.Mode().IsRegular() {
		return out, nil
	}
	if err := reread(f, l); err != nil {
		return nil, fmt.Errorf("partition %s: %w", f.Name(), err)
	}
	for i, p := range l.Partitions {
		out[i].Path, out[i].Offset = PartitionNode(f.Name(), p.Number), 0
		if p.Type == Extended {
			continue // nobody opens it
		}
		if err := waitNode(ctx, out[i].Path); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reread has the kernel read the table (BLKRRPART), and tells it of partitions
// that it did not see (BLKPG): kernels may be built without a table's parser.
func reread(f *os.File, l Layout) error {
	if _, err := unix.IoctlRetInt(int(f.Fd()), unix.BLKRRPART); err != nil {
		return fmt.Errorf("have the kernel read the new table: %w", err)
	}
	seen, err := kernelPartitions(f.Name())
	if err != nil {
		return err
	}
	for _, p := range l.Partitions {
		if p.Type == Extended || seen[p.Number] == [2]int64{p.Start, p.Length} {
			continue // of an extended one the kernel shows a sector or two
		}
		if err := addPartition(f, p); err != nil {
			return fmt.Errorf("add partition %d: %w", p.Number, err)
		}
	}
	return nil
}

// kernelPartitions reads from sysfs what the kernel knows of the disk: number to
// start and length in bytes. Sysfs counts sectors of 512 bytes always.
func kernelPartitions(disk string) (map[int][2]int64, error) {
	base := filepath.Join("/sys/class/block", filepath.Base(disk))
	dirs, err := filepath.Glob(base + "/*/partition")
	if err != nil {
		return nil, err
	}
	out := map[int][2]int64{}
	for _, file := range dirs {
		number, err1 := readInt(file)
		start, err2 := readInt(filepath.Join(filepath.Dir(file), "start"))
		size, err3 := readInt(filepath.Join(filepath.Dir(file), "size"))
		if err1 == nil && err2 == nil && err3 == nil {
			out[int(number)] = [2]int64{start * 512, size * 512}
		}
	}
	return out, nil
}

func readInt(path string) (int64, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
}

// addPartition is BLKPG_ADD_PARTITION (linux/blkpg.h). A partition of that
// number with another place is removed first.
func addPartition(f *os.File, p Partition) error {
	part := struct {
		start, length   int64
		number          int32
		device, volname [64]byte
		_               int32
	}{start: p.Start, length: p.Length, number: int32(p.Number)}
	call := func(op int32) error {
		arg := struct {
			op, flags, length, _ int32
			data                 unsafe.Pointer
		}{op: op, length: int32(unsafe.Sizeof(part)), data: unsafe.Pointer(&part)}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg)))
		if errno != 0 {
			return errno
		}
		return nil
	}
	const add, remove = 1, 2
	_ = call(remove) // ENXIO if there is none
	return call(add)
}

// waitNode waits until the block device node is there or ctx ends.
func waitNode(ctx context.Context, path string) error {
	tick := time.NewTicker(nodePoll)
	defer tick.Stop()
	for {
		info, err := os.Stat(path)
		if err == nil && info.Mode()&os.ModeDevice != 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for device node %s: %w", path, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
