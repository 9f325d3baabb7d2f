package machine

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs"
)

// lacking are the files of a manifest that are not in a folder, or not as the manifest says.
func lacking(ctx context.Context, m *content.Manifest, dir string) ([]content.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var out []content.File
	for _, f := range m.Files {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		whole, err := isWhole(root, f)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("file %q: %w", f.Path, err)
		}
		if !whole {
			out = append(out, f)
		}
	}
	return out, nil
}

func isWhole(root *os.Root, f content.File) (bool, error) {
	info, err := root.Lstat(f.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
		return false, err
	}
	file, err := root.Open(f.Path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return false, err
	}
	return hex.EncodeToString(h.Sum(nil)) == f.SHA256, nil
}

// block is what the smallest file takes on a volume.
const block = 4096

// room refuses to begin where files do not fit. The largest is there twice for a moment: in the
// store, and where it belongs.
func room(dir string, files []content.File) error {
	var need, largest int64
	for _, f := range files {
		size := (f.Size/block + 2) * block
		need, largest = need+size, max(largest, size)
	}
	if need += largest; len(files) == 0 {
		return nil
	}
	free, where, err := freeAt(dir)
	if err != nil {
		return fmt.Errorf("ask %s for its free space: %w", dir, err)
	}
	if need > free {
		return fmt.Errorf("no space for it at %s: it needs %s, and %s has %s free; give the volume more, or download less", dir, diskfs.Bytes(need), where, diskfs.Bytes(free))
	}
	return nil
}

// keepMemory is what a download leaves of the memory.
const keepMemory = 64 << 20

// freeAt is how much may be written to a folder: of its volume or, where that is in memory, of
// the memory.
func freeAt(dir string) (free int64, where string, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, "", err
	}
	free = int64(st.Bfree) * st.Bsize // root may use the reserved blocks too
	if st.Type != unix.TMPFS_MAGIC && st.Type != unix.RAMFS_MAGIC {
		return free, "the volume", nil
	}
	memory, err := availableMemory()
	if memory -= keepMemory; st.Blocks == 0 || memory < free { // ramfs has no limit of its own
		free = memory
	}
	return max(free, 0), "the memory", err
}

func availableMemory() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 1 && fields[0] == "MemAvailable:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}
