package osimage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Manifest lists everything in a tree, ordered by path.
type Manifest struct {
	Format  int     `json:"format"` // 1
	Entries []Entry `json:"entries"`
}

// Entry is one path of a tree.
type Entry struct {
	Path string `json:"path"` // from the root, with a leading slash
	// Type is file, dir, symlink, char, block, fifo or socket.
	Type string `json:"type"`
	// Mode are the permission bits with setuid, setgid and sticky, in octal.
	// Empty for symbolic links, which have none on Linux.
	Mode   string `json:"mode,omitempty"`
	UID    uint32 `json:"uid"`
	GID    uint32 `json:"gid"`
	Size   int64  `json:"size,omitempty"`   // of files, in bytes
	SHA256 string `json:"sha256,omitempty"` // of files, hex
	Target string `json:"target,omitempty"` // of symbolic links
	Device string `json:"device,omitempty"` // of device nodes, major:minor
	// LinkedTo is the first path, in order, of the same file, for every further
	// hard link to it.
	LinkedTo string `json:"linkedTo,omitempty"`
	// Xattrs are the extended attributes, values in hex; security.capability
	// among them. Those that the kernel makes up (system.*, security.selinux)
	// are not listed.
	Xattrs map[string]string `json:"xattrs,omitempty"`
}

// Describe walks the tree under root and describes everything in it. Mounted
// file systems below root are walked too: unmount them before.
func Describe(ctx context.Context, root string) (Manifest, error) {
	m := Manifest{Format: 1}
	first := map[[2]uint64]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		e, err := describe(path, "/"+strings.TrimPrefix(strings.TrimPrefix(path, root), "/"), first)
		if err != nil {
			return err
		}
		m.Entries = append(m.Entries, e)
		return nil
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("describe tree %s: %w", root, err)
	}
	slices.SortFunc(m.Entries, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	regroup(m.Entries)
	return m, nil
}

// describe reads one path. LinkedTo holds, until regroup, any path of the file.
func describe(path, name string, first map[[2]uint64]string) (Entry, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return Entry{}, fmt.Errorf("stat %s: %w", path, err)
	}
	e := Entry{Path: name, UID: st.Uid, GID: st.Gid, Type: kind(st.Mode)}
	if e.Type != "symlink" {
		e.Mode = fmt.Sprintf("%04o", st.Mode&0o7777)
	}
	if st.Nlink > 1 && e.Type != "dir" {
		id := [2]uint64{st.Dev, st.Ino}
		if e.LinkedTo = first[id]; e.LinkedTo == "" {
			first[id] = name
		}
	}
	var err error
	switch e.Type {
	case "file":
		e.Size = st.Size
		e.SHA256, err = Digest(path)
	case "symlink":
		e.Target, err = os.Readlink(path)
	case "char", "block":
		e.Device = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	if err != nil {
		return Entry{}, err
	}
	e.Xattrs, err = xattrs(path)
	return e, err
}

// regroup makes LinkedTo point to the first path in order, whatever order the
// walk found the links in.
func regroup(entries []Entry) {
	lead := map[string]string{} // path found first by the walk → first in order
	for _, e := range entries {
		group := cmp.Or(e.LinkedTo, e.Path)
		if _, ok := lead[group]; !ok {
			lead[group] = e.Path
		}
	}
	for i, e := range entries {
		entries[i].LinkedTo = ""
		if l := lead[cmp.Or(e.LinkedTo, e.Path)]; l != e.Path {
			entries[i].LinkedTo = l
		}
	}
}

func kind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "dir"
	case unix.S_IFLNK:
		return "symlink"
	case unix.S_IFCHR:
		return "char"
	case unix.S_IFBLK:
		return "block"
	case unix.S_IFIFO:
		return "fifo"
	case unix.S_IFSOCK:
		return "socket"
	}
	return "unknown " + strconv.FormatUint(uint64(mode), 8)
}

// Digest is the SHA-256 of a file, in hexadecimal.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func xattrs(path string) (map[string]string, error) {
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list attributes of %s: %w", path, err)
	}
	var out map[string]string
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if name == "" || name == "security.selinux" || strings.HasPrefix(name, "system.") {
			continue
		}
		value := make([]byte, 1<<16)
		size, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return nil, fmt.Errorf("read attribute %s of %s: %w", name, path, err)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = hex.EncodeToString(value[:size])
	}
	return out, nil
}

// Save writes the manifest as JSON, through a file beside path that is synced
// and then renamed.
func (m Manifest) Save(path string) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeFile(path, raw)
}

// Load reads a manifest that Save wrote.
func Load(path string) (Manifest, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Manifest{}, fmt.Errorf("read manifest %s: %w", path, err)
	}
	if m.Format != 1 {
		return Manifest{}, fmt.Errorf("read manifest %s: format %d, want 1; remove the file to have it made again", path, m.Format)
	}
	return m, nil
}
