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
	"slices"
	"strings"
)

// Scan hashes and chunks a file, or all files below a directory, into a
// manifest, and stores nothing. Files are in the order of their paths, so
// that equal trees give equal manifests. progress, which may be nil, is told
// of each n bytes more that are done.
//
// Symbolic links to files inside the tree count as the file; a link out of
// it or to a directory, and anything that is no regular file, is an error.
func Scan(ctx context.Context, name string, progress func(n int64)) (*Manifest, error) {
	return scanTree(name, func(r io.Reader) (File, error) {
		return describe(ctx, r, io.Discard, progress)
	})
}

// ImportTree is Scan that also stores each file.
func (d *Directory) ImportTree(ctx context.Context, name string, progress func(n int64)) (*Manifest, error) {
	return scanTree(name, func(r io.Reader) (File, error) {
		return d.Import(ctx, r, progress)
	})
}

func scanTree(name string, take func(io.Reader) (File, error)) (*Manifest, error) {
	dir, only := name, ""
	if info, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	} else if !info.IsDir() {
		dir, only = filepath.Split(name)
		dir = filepath.Clean(dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("scan %s: %w", name, err)
	}
	defer root.Close()
	paths := []string{only}
	if only == "" {
		if paths, err = listFiles(root); err != nil {
			return nil, fmt.Errorf("scan %s: %w", name, err)
		}
	}
	m := &Manifest{Format: Format, Files: []File{}}
	for _, p := range paths {
		f, err := scanFile(root, p, take)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %s: %w", name, p, err)
		}
		m.Files = append(m.Files, f)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("scan %s: %w", name, err)
	}
	return m, nil
}

func listFiles(root *os.Root) ([]string, error) {
	var paths []string
	err := fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			paths = append(paths, p)
		}
		return err
	})
	slices.Sort(paths)
	return paths, err
}

func scanFile(root *os.Root, p string, take func(io.Reader) (File, error)) (File, error) {
	info, err := root.Stat(p)
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, errors.New("not a regular file: packages hold files, and links to files, only")
	}
	r, err := root.Open(p)
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	f, err := take(r)
	if err != nil {
		return File{}, err
	}
	if f.Size != info.Size() {
		return File{}, fmt.Errorf("it changed while it was read: %d bytes, then %d", info.Size(), f.Size)
	}
	f.Path, f.Mode = strings.ReplaceAll(p, string(filepath.Separator), "/"), 0o644
	if info.Mode()&0o111 != 0 {
		f.Mode = 0o755
	}
	return f, nil
}

// describe hashes and chunks a stream and copies it to w.
func describe(ctx context.Context, r io.Reader, w io.Writer, progress func(n int64)) (File, error) {
	f := File{}
	whole := sha256.New()
	cutter := newChunker(r)
	for {
		data, err := cutter.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return File{}, err
		}
		whole.Write(data)
		if _, err := w.Write(data); err != nil {
			return File{}, err
		}
		f.Chunks = append(f.Chunks, Chunk{Offset: f.Size, Length: int64(len(data)), SHA256: sum(data)})
		f.Size += int64(len(data))
		report(progress, int64(len(data)))
	}
	f.SHA256 = hex.EncodeToString(whole.Sum(nil))
	return f, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func report(progress func(n int64), n int64) {
	if progress != nil && n > 0 {
		progress(n)
	}
}
