package content

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Directory is a store of whole files, named by their digests, and of the
// manifests of versions, in a directory of the local file system:
//
//	blobs/ab/abcd…             the file with that SHA-256, mode 0444
//	partial/abcd….partial      a file that is not whole, or no longer believed
//	manifests/abcd….json       the signed manifest of a version that is all here
//	manifests/abcd….pending    that of a version which is still fetched
//
// One program owns a directory at a time. All methods may be called from
// several goroutines.
type Directory struct {
	root string
	// Reserve is how many bytes of the file system are kept free for others,
	// such as the database. 64 MiB unless changed before the first use.
	Reserve int64

	mu    sync.Mutex
	locks map[string]*blobLock
}

// blobLock keeps two transfers of one blob apart.
type blobLock struct {
	held  chan struct{} // capacity 1
	users int
}

// OpenDirectory opens a store, and makes it where there is none. Left-overs of
// imports that were cut off are removed.
func OpenDirectory(root string) (*Directory, error) {
	d := &Directory{root: root, Reserve: 64 << 20, locks: map[string]*blobLock{}}
	for _, sub := range []string{"", "blobs", "partial", "manifests"} {
		if err := os.MkdirAll(filepath.Join(root, sub), 0o755); err != nil {
			return nil, fmt.Errorf("open content store: %w", err)
		}
	}
	for _, pattern := range []string{"partial/import-*", "manifests/*.new"} {
		left, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			return nil, fmt.Errorf("open content store %s: %w", root, err)
		}
		for _, name := range left {
			if err := os.Remove(filepath.Join(root, name)); err != nil {
				return nil, fmt.Errorf("open content store: %w", err)
			}
		}
	}
	return d, nil
}

// Has says whether the file with that SHA-256 is in the store, whole, and how
// large it is. It does not read it again.
func (d *Directory) Has(sha string) (size int64, ok bool) {
	if !IsSHA256(sha) {
		return 0, false
	}
	info, err := os.Stat(d.blob(sha))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Open opens a file of the store to be read, or returns fs.ErrNotExist. Its
// bytes are not verified: to hand them out, use Serve.
func (d *Directory) Open(sha string) (*os.File, error) {
	if !IsSHA256(sha) {
		return nil, fmt.Errorf("open blob %q: %w", sha, fs.ErrNotExist)
	}
	f, err := os.Open(d.blob(sha))
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return f, nil
}

// Quarantine takes a file that failed its digest out of the store. It becomes
// the partial of its next Fetch, which keeps the chunks that are good and
// fetches the others. A file that is not there is no error.
func (d *Directory) Quarantine(sha string) error {
	if !IsSHA256(sha) {
		return fmt.Errorf("quarantine %q: not a sha256", sha)
	}
	err := os.Rename(d.blob(sha), d.partial(sha))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return errors.Join(syncDir(filepath.Dir(d.blob(sha))), syncDir(filepath.Dir(d.partial(sha))))
}

func (d *Directory) blob(sha string) string {
	return filepath.Join(d.root, "blobs", sha[:2], sha)
}

func (d *Directory) partial(sha string) string {
	return filepath.Join(d.root, "partial", sha+".partial")
}

func (d *Directory) manifest(digest, suffix string) string {
	return filepath.Join(d.root, "manifests", strings.TrimPrefix(digest, digestPrefix)+suffix)
}

// publish makes a finished temporary file the blob: on disk first, then
// visible. The file is closed.
func (d *Directory) publish(f *os.File, sha string) error {
	target := d.blob(sha)
	err := errors.Join(f.Chmod(0o444), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("store blob %s: %w", sha, err)
	}
	if err := os.Mkdir(filepath.Dir(target), 0o755); err == nil {
		err = syncDir(filepath.Join(d.root, "blobs"))
		if err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("store blob: %w", err)
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return fmt.Errorf("store blob: %w", err)
	}
	return syncDir(filepath.Dir(target))
}

// lock waits until nobody else works on the blob.
func (d *Directory) lock(ctx context.Context, sha string) (unlock func(), err error) {
	d.mu.Lock()
	l := d.locks[sha]
	if l == nil {
		l = &blobLock{held: make(chan struct{}, 1)}
		d.locks[sha] = l
	}
	l.users++
	d.mu.Unlock()
	leave := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(d.locks, sha)
		}
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, fmt.Errorf("wait for blob %s: %w", sha, ctx.Err())
	}
}

func (d *Directory) isLocked(sha string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.locks[sha] != nil
}
