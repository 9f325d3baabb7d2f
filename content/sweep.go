package content

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Keep says what Sweep is to leave.
type Keep struct {
	// Manifests are digests of versions, visible or still being fetched:
	// they and all that they name stay.
	Manifests []string
	// Blobs are SHA-256 in hexadecimal of further files.
	Blobs []string
}

// Sweep removes versions and files that nothing in keep refers to, and says
// how many bytes of disk that freed. If a manifest that is to stay cannot be
// read, nothing is removed. Files on which a transfer works now stay.
func (d *Directory) Sweep(keep Keep) (freed int64, err error) {
	blobs := map[string]bool{}
	for _, sha := range keep.Blobs {
		blobs[sha] = true
	}
	manifests := map[string]bool{}
	for _, digest := range keep.Manifests {
		manifests[strings.TrimPrefix(digest, digestPrefix)] = true
		if err := d.mark(digest, blobs); err != nil {
			return 0, fmt.Errorf("sweep: nothing was removed: %w", err)
		}
	}
	wanted := func(name string) bool {
		sha, _, _ := strings.Cut(name, ".")
		return blobs[sha] || d.isLocked(sha) || strings.HasPrefix(name, "import-")
	}
	errs := []error{
		d.sweepFiles("manifests/*", func(name string) bool {
			hex, _, _ := strings.Cut(name, ".")
			return manifests[hex] || strings.HasSuffix(name, ".new")
		}, &freed),
		d.sweepFiles("partial/*", wanted, &freed),
		d.sweepFiles("blobs/*/*", wanted, &freed),
	}
	return freed, errors.Join(errs...)
}

// mark adds the files of a version, in whatever state it is, to the set.
func (d *Directory) mark(digest string, blobs map[string]bool) error {
	if !IsDigest(digest) {
		return fmt.Errorf("%q is no digest", digest)
	}
	for _, suffix := range []string{".json", ".pending"} {
		raw, err := os.ReadFile(d.manifest(digest, suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		m, err := decodeManifest(digest, raw)
		if err != nil {
			return err
		}
		for _, f := range m.Files {
			blobs[f.SHA256] = true
		}
	}
	return nil
}

func (d *Directory) sweepFiles(pattern string, wanted func(name string) bool, freed *int64) error {
	names, err := fs.Glob(os.DirFS(d.root), pattern)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", d.root, err)
	}
	for _, name := range names {
		if wanted(path.Base(name)) {
			continue
		}
		name = filepath.Join(d.root, name)
		info, err := os.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue // gone meanwhile, or not ours
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep: %w", err)
		}
		*freed += allocated(info)
	}
	return nil
}
