// Package tree reads and writes files in the tree of a system that is being installed. A
// new file, synced, takes the place of the old one, so that a power cut leaves one of the
// two. It follows no symbolic link out of the tree (os.Root).
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Open opens a file as the system itself would once it runs: an absolute link starts at
// the tree's root, and none leaves it (RESOLVE_IN_ROOT of openat2(2)).
func Open(root *os.Root, name string) (*os.File, error) { return open(root, name, unix.O_RDONLY) }

// Stat describes what Open would open, and opens it not: that could wait, or do something.
func Stat(root *os.Root, name string) (fs.FileInfo, error) {
	f, err := open(root, name, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

func open(root *os.Root, name string, flags uint64) (*os.File, error) {
	top, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer top.Close()
	fd, err := unix.Openat2(int(top.Fd()), name, &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return nil, &fs.PathError{Op: "openat2", Path: "/" + name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Write replaces a file by one of mode 0644.
func Write(root *os.Root, name string, data []byte) error {
	return Copy(root, name, 0o644, bytes.NewReader(data))
}

// Copy replaces a file by what from holds.
func Copy(root *os.Root, name string, mode fs.FileMode, from io.Reader) error {
	err := replace(root, name, mode, from)
	if err != nil {
		return fmt.Errorf("write /%s: %w", name, err)
	}
	return nil
}

func replace(root *os.Root, name string, mode fs.FileMode, from io.Reader) error {
	f, err := root.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(name+".new"))
	}
	return root.Rename(name+".new", name)
}
