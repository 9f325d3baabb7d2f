package boot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Labels by which PID 1 knows its own: the file system label of the data partition (ext4, at most 16 bytes) and the
// GPT partition name of the firmware's ESP.
const (
	DataLabel    = "bootward-data"
	ESPPartition = "bootward-esp"
)

// block is one disk or partition: what sysfs says, and what its content looks like.
type block struct {
	Name      string // "vda", "nvme0n1p2"
	Disk      string // name of the disk it is on; its own name if it is one
	Size      int64  // bytes
	Fixed     bool   // internal, writable, not emulated by software
	PartName  string // GPT partition name
	PartUUID  string // GPT partition id, lower case
	Label     string // ext file system label
	Blank     bool   // first and last MiB and all samples between them are zero
	HalfMade  bool   // our own formatting of it was cut short
	HasParts  bool   // the kernel found partitions on it
	ReadError error  // its content could not be read
}

func (b block) whole() bool { return b.Name == b.Disk }

const (
	probeSpan = 1 << 20 // what must be zero at both ends: every partition table and signature in use lies there
	// Samples between the ends find what lies behind a table that somebody erased.
	samples    = 64
	sampleSize = 64 << 10
	// halfMadeOffset counts from the end of the disk: mkfs.ext4 wipes the last 64 KiB and puts no metadata before.
	halfMadeOffset = 512 << 10
	smallestData   = 256 << 20 // bytes; less is no disk for a box
	sectorSize     = 512       // of sysfs' sizes, whatever the disk's
)

// halfMadeMark stands on a disk while we make its first file system, so that a power cut then is no dead end.
const halfMadeMark = "bootward-data: file system being made; nothing is stored here yet\n"

// listBlocks reads a tree like /sys/block: disks and their partitions, sorted by name. Content is not looked at.
func listBlocks(sys fs.FS) (blocks []block, err error) {
	disks, err := fs.ReadDir(sys, ".")
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	for _, d := range disks {
		disk := readBlock(sys, d.Name(), d.Name())
		disk.Fixed = isFixed(sys, d.Name())
		entries, err := fs.ReadDir(sys, d.Name())
		if err != nil {
			continue // it went away
		}
		var parts []block
		for _, e := range entries {
			if _, err := fs.Stat(sys, path.Join(d.Name(), e.Name(), "partition")); err == nil {
				p := readBlock(sys, path.Join(d.Name(), e.Name()), d.Name())
				p.Fixed = disk.Fixed
				parts = append(parts, p)
			}
		}
		disk.HasParts = len(parts) > 0
		blocks = append(append(blocks, disk), parts...)
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return strings.Compare(a.Disk, b.Disk) })
	return blocks, nil
}

func readBlock(sys fs.FS, dir, disk string) block {
	sectors, _ := strconv.ParseInt(attribute(sys, dir, "size"), 10, 64) // unreadable: size 0, never chosen
	b := block{Name: path.Base(dir), Disk: disk, Size: sectors * sectorSize}
	for line := range strings.Lines(attribute(sys, dir, "uevent")) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "PARTNAME":
			b.PartName = value
		case "PARTUUID":
			b.PartUUID = strings.ToLower(value)
		}
	}
	return b
}

// isFixed tells internal disks from sticks, cards, optical drives and what only looks like a disk.
func isFixed(sys fs.FS, name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "sr", "fd", "md", "dm-", "nbd", "mtd"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	if attribute(sys, name, "removable") != "0" || attribute(sys, name, "ro") != "0" {
		return false
	}
	target, err := fs.ReadLink(sys, name)
	return err != nil || !strings.Contains(target, "/usb")
}

func attribute(sys fs.FS, dir, name string) string {
	raw, err := fs.ReadFile(sys, path.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// probe looks at the content of a block of the given size.
func probe(b *block, r io.ReaderAt) {
	head, tail := make([]byte, probeSpan), make([]byte, probeSpan)
	if b.Size < 2*probeSpan {
		return
	}
	_, err1 := r.ReadAt(head, 0)
	_, err2 := r.ReadAt(tail, b.Size-probeSpan)
	if b.ReadError = errors.Join(err1, err2); b.ReadError != nil {
		return
	}
	b.HalfMade = bytes.HasPrefix(tail[probeSpan-halfMadeOffset:], []byte(halfMadeMark))
	b.Label = extLabel(head)
	b.Blank = zeros(head) && zeros(tail)
	for n := int64(1); n <= samples && b.Blank; n++ {
		between := head[:sampleSize]
		at := (b.Size - sampleSize) / (samples + 1) * n &^ (sampleSize - 1)
		_, b.ReadError = r.ReadAt(between, at)
		b.Blank = b.ReadError == nil && zeros(between)
	}
}

func zeros(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// extLabel reads the volume name of ext2, ext3 and ext4: superblock at 1024, magic at 0x38, name at 0x78 (16 bytes).
func extLabel(head []byte) string {
	const super = 1024
	if len(head) < super+0x88 || head[super+0x38] != 0x53 || head[super+0x39] != 0xEF {
		return ""
	}
	name, _, _ := bytes.Cut(head[super+0x78:super+0x88], []byte{0})
	return string(name)
}

// dataChoice is what to do about the data partition.
type dataChoice struct {
	Use    string // block to check and mount
	Make   string // blank disk to make the file system on
	Reason string // in words, for the console; says what is missing when Use and Make are empty
}

// chooseData decides from what is there. It names a disk to format only if that disk is the only candidate and is
// entirely blank, or carries the mark of our own formatting that was cut short.
func chooseData(blocks []block) dataChoice {
	var labelled, blank []string
	var notes []string
	for _, b := range blocks {
		switch {
		case !b.Fixed:
		case b.ReadError != nil:
			notes = append(notes, fmt.Sprintf("%s cannot be read: %v", b.Name, b.ReadError))
		case b.Label == DataLabel && !b.HasParts && !b.HalfMade:
			labelled = append(labelled, b.Name)
		case b.whole() && !b.HasParts && (b.Blank || b.HalfMade) && b.Size >= smallestData:
			blank = append(blank, b.Name)
		case b.whole() && (b.Blank || b.HalfMade) && !b.HasParts:
			notes = append(notes, fmt.Sprintf("%s is too small (%d MiB, at least %d)", b.Name, b.Size>>20, smallestData>>20))
		case b.whole() && !b.HasParts:
			notes = append(notes, fmt.Sprintf("%s is not blank", b.Name))
		}
	}
	switch {
	case len(labelled) == 1:
		return dataChoice{Use: labelled[0], Reason: "file system " + DataLabel}
	case len(labelled) > 1:
		return dataChoice{Reason: fmt.Sprintf("%s all carry the label %s: take out all but one", strings.Join(labelled, ", "), DataLabel)}
	case len(blank) == 1:
		return dataChoice{Make: blank[0], Reason: "the only blank disk"}
	case len(blank) > 1:
		return dataChoice{Reason: fmt.Sprintf("%s are all blank: take out all but one", strings.Join(blank, ", "))}
	}
	return dataChoice{Reason: strings.Join(append([]string{"no data disk: put in one blank disk"}, notes...), "; ")}
}

// chooseESP names the partition to mount at /boot: the one the firmware says it booted from, else the first by our
// partition name. Empty means that there is none.
func chooseESP(blocks []block, bootedFrom string) string {
	first := ""
	for _, b := range blocks {
		if b.PartName != ESPPartition {
			continue
		}
		if bootedFrom != "" && b.PartUUID == strings.ToLower(bootedFrom) {
			return b.Name
		}
		if first == "" {
			first = b.Name
		}
	}
	return first
}
