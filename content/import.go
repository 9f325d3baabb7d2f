package content

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Import stores a stream and describes it: size, digest and chunks, without
// path and mode. When it returns, the file is on disk. A file that is there
// already is put in place anew, which heals it if it was damaged.
func (d *Directory) Import(ctx context.Context, r io.Reader, progress func(n int64)) (File, error) {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if err := d.room(info.Size()); err != nil {
				return File{}, fmt.Errorf("import: %w", err)
			}
		}
	}
	tmp, err := os.CreateTemp(filepath.Join(d.root, "partial"), "import-*.partial")
	if err != nil {
		return File{}, fmt.Errorf("import: %w", d.explainSpace(err, 0))
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	f, err := describe(ctx, r, tmp, progress)
	if err != nil {
		return File{}, fmt.Errorf("import: %w", d.explainSpace(err, chunkMax))
	}
	if err := d.publish(tmp, f.SHA256); err != nil {
		return File{}, fmt.Errorf("import: %w", d.explainSpace(err, f.Size))
	}
	return f, nil
}

// Received is how many bytes of a file that is being uploaded are here: where
// its sender goes on.
func (d *Directory) Received(sha string) int64 {
	if size, ok := d.Has(sha); ok || !IsSHA256(sha) {
		return size
	}
	info, err := os.Stat(d.partial(sha))
	if err != nil {
		return 0
	}
	return info.Size()
}

// ErrOffset is what Receive returns when the bytes do not follow what is here.
var ErrOffset = errors.New("the bytes do not follow those that are here")

// Receive appends a stream to the partial of a file of which only digest and
// size are known (an upload by an administrator), from offset on. When all
// size bytes are there, the digest is checked and the file becomes visible;
// if it does not fit, the partial is removed and the upload starts again.
// It returns how many bytes are here. Bytes that arrived before an error stay.
func (d *Directory) Receive(ctx context.Context, sha string, offset, size int64, r io.Reader) (int64, error) {
	if !IsSHA256(sha) || offset < 0 || size < offset {
		return 0, fmt.Errorf("receive %q: digest, offset %d or size %d is wrong", sha, offset, size)
	}
	unlock, err := d.lock(ctx, sha)
	if err != nil {
		return 0, err
	}
	defer unlock()
	if have, ok := d.Has(sha); ok && have == size {
		return have, nil
	}
	f, err := os.OpenFile(d.partial(sha), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, fmt.Errorf("receive: %w", d.explainSpace(err, size))
	}
	defer f.Close()
	have, err := d.receive(f, offset, size, r)
	if err != nil || have < size {
		if err = errors.Join(err, f.Sync()); err != nil {
			err = fmt.Errorf("receive %s: %w", sha, d.explainSpace(err, size-have))
		}
		return have, err
	}
	return have, d.finishReceived(f, sha)
}

// receive appends and says how many bytes the partial has.
func (d *Directory) receive(f *os.File, offset, size int64, r io.Reader) (int64, error) {
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if offset > have {
		return have, fmt.Errorf("from %d, have %d: %w", offset, have, ErrOffset)
	}
	if err := d.room(size - have); err != nil {
		return have, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return have, err
	}
	n, err := io.Copy(f, io.LimitReader(r, size-offset))
	if have = offset + n; err == nil || have > 0 {
		err = errors.Join(err, f.Truncate(have))
	}
	return have, err
}

func (d *Directory) finishReceived(f *os.File, sha string) error {
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("receive %s: %w", sha, err)
	}
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("receive %s: %w", sha, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sha {
		err := os.Remove(f.Name())
		return errors.Join(fmt.Errorf("receive %s: the bytes that came have sha256 %s: send it again from the start", sha, got), err)
	}
	return d.publish(f, sha)
}

// Remove deletes a file of the store and what is partly there of it.
func (d *Directory) Remove(sha string) error {
	if !IsSHA256(sha) {
		return fmt.Errorf("remove %q: not a sha256", sha)
	}
	for _, name := range []string{d.blob(sha), d.partial(sha)} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove blob: %w", err)
		}
	}
	return nil
}
