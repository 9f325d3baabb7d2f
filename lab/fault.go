package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/diskfs/tool"
)

// CorruptBlob flips a byte in the middle of the largest file of content that
// is complete on the box's disk, as a bad sector does, and returns its digest,
// and how many bytes of other files are complete there. The box must be off.
func (l *Lab) CorruptBlob(ctx context.Context) (sha string, others int64, err error) {
	root, err := os.MkdirTemp(l.options.Dir, "data-")
	if err != nil {
		return "", 0, fmt.Errorf("corrupt a blob: %w", err)
	}
	defer os.Remove(root)
	run := tool.Exec{}
	disk := filepath.Join(l.boxDir(), "data.img")
	if err := run.Run(ctx, tool.Command{Path: "mount", Args: []string{"-t", "ext4", "-o", "loop", disk, root}}); err != nil {
		return "", 0, fmt.Errorf("corrupt a blob: %w", err)
	}
	defer func() {
		err = errors.Join(err, run.Run(context.WithoutCancel(ctx), tool.Command{Path: "umount", Args: []string{root}}))
	}()
	var largest string
	var size, all int64
	err = filepath.WalkDir(filepath.Join(root, "content", "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if all += info.Size(); info.Size() > size {
			largest, size = path, info.Size()
		}
		return nil
	})
	if err != nil || size == 0 {
		return "", 0, errors.Join(errors.New("corrupt a blob: the box holds none"), err)
	}
	return filepath.Base(largest), all - size, flip(largest, size/2)
}

// flip inverts one bit of a file.
func flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("flip a bit: %w", err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	if err == nil {
		b[0] ^= 0x40
		_, err = f.WriteAt(b, at)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
