package rootfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// Archive is the content of one cpio archive: folders, files and symbolic links by path. The zero value is empty.
// It is not safe for concurrent use.
type Archive struct {
	entries map[string]entry
	err     error
}

type entry struct {
	mode uint64 // type and permissions, as in st_mode
	data []byte
}

// Put adds a file; perm holds the nine permission bits. Parent folders come by themselves (0755). A path that is
// absolute, empty, not clean, or already there makes Bytes fail.
func (a *Archive) Put(name string, data []byte, perm fs.FileMode) {
	a.add(name, entry{mode: cpio.S_IFREG | uint64(perm.Perm()), data: data})
}

// Folder adds a folder with the given permissions, or changes those of one that came by itself.
func (a *Archive) Folder(name string, perm fs.FileMode) {
	if e, ok := a.entries[name]; ok && e.mode&cpio.S_IFMT == cpio.S_IFDIR {
		delete(a.entries, name)
	}
	a.add(name, entry{mode: cpio.S_IFDIR | uint64(perm.Perm())})
}

func (a *Archive) add(name string, e entry) {
	if a.entries == nil {
		a.entries = map[string]entry{}
	}
	if _, twice := a.entries[name]; twice || !fs.ValidPath(name) || name == "." {
		if a.err == nil {
			a.err = fmt.Errorf("initramfs: %q: path is there twice or not relative and clean", name)
		}
		return
	}
	a.entries[name] = e
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := a.entries[dir]; !ok {
			a.entries[dir] = entry{mode: cpio.S_IFDIR | 0o755}
		}
	}
}

// Bytes writes the archive in newc format, closed by its trailer.
func (a *Archive) Bytes() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	var out bytes.Buffer
	w := cpio.Newc.Writer(&out)
	for i, name := range slices.Sorted(maps.Keys(a.entries)) {
		e := a.entries[name]
		if parent, ok := a.entries[path.Dir(name)]; ok && parent.mode&cpio.S_IFMT != cpio.S_IFDIR {
			return nil, fmt.Errorf("initramfs: %q lies below what is no folder", name)
		}
		info := cpio.Info{Name: name, Ino: uint64(i + 1), Mode: e.mode, NLink: 1, FileSize: uint64(len(e.data))}
		if err := w.WriteRecord(cpio.Record{ReaderAt: bytes.NewReader(e.data), Info: info}); err != nil {
			return nil, fmt.Errorf("initramfs: %s: %w", name, err)
		}
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, fmt.Errorf("initramfs: trailer: %w", err)
	}
	return out.Bytes(), nil
}

// PutKit adds a file of the kit.
func (a *Archive) PutKit(k *Kit, from, to string, perm fs.FileMode) error {
	data, err := k.Read(from)
	if err != nil {
		return err
	}
	a.Put(to, data, perm)
	return nil
}

// PutTree merges a folder of the kit into the root: programs and libraries become executable, the rest is readable.
func (a *Archive) PutTree(k *Kit, folder string) error {
	for _, p := range k.List(folder) {
		to := strings.TrimPrefix(p, folder+"/")
		perm := fs.FileMode(0o644)
		if strings.Contains("/"+to, "/bin/") || strings.Contains("/"+to, "/sbin/") || strings.HasPrefix(path.Base(to), "ld-linux") {
			perm = 0o755
		}
		if err := a.PutKit(k, p, to, perm); err != nil {
			return err
		}
	}
	return nil
}
