// Package tree writes files into the tree of a system that is being installed: a
// new file, synced, takes the place of the old one, so that a power cut leaves one
// of the two. It follows no symbolic link out of the tree (os.Root).
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

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
