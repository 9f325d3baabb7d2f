// Package distributionpoint hands out content: manifests and blobs to jobs,
// boot files to firmware.
//
// A job gets what its own sequence pins and nothing else; every other name is
// not found, as if it did not exist, and there is no listing. Boot files are
// public and signed. Nothing is sent that was not verified: blobs chunk by
// chunk (content.Serve), boot files whole, once per process and file. What
// fails is put into quarantine and fetched again.
//
// Names are looked up in manifests; none becomes a path.
package distributionpoint

import (
	"fmt"
	"sync"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/recent"
)

// Library reads the versions in a content directory, and remembers what it
// read: the manifest of a digest never changes. It may be used by several
// goroutines at once.
type Library struct {
	dir *content.Directory

	mu       sync.Mutex
	versions recent.Map[string, *content.Manifest]
}

// maxVersions is how many manifests are remembered; others are read again as they
// are asked for.
const maxVersions = 256

// NewLibrary makes a library of a directory.
func NewLibrary(dir *content.Directory) *Library {
	return &Library{dir: dir}
}

// Version reads the manifest of a version that is visible.
func (l *Library) Version(digest string) (*content.Manifest, error) {
	l.mu.Lock()
	m, known := l.versions.Get(digest)
	l.mu.Unlock()
	if known {
		return m, nil
	}
	m, err := l.dir.Version(digest)
	if err != nil {
		return nil, fmt.Errorf("version %s: %w", digest, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.versions.Put(digest, m, maxVersions)
	return m, nil
}

// Complete says whether a version is visible and all its files are here.
func (l *Library) Complete(digest string) bool {
	m, err := l.Version(digest)
	return err == nil && len(l.dir.Missing(m)) == 0
}
