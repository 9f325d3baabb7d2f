package content

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
)

// maxTries is how often in a row a transfer is tried without one more chunk
// coming of it.
const maxTries = 5

// Fetch brings a file into the store. It goes on where an earlier one ended,
// however that ended: what is partly there is verified again chunk by chunk.
// Each chunk that comes is verified before it is written; a wrong one is
// asked for again. The file is on disk and visible when Fetch returns nil.
// Two fetches of one file wait for each other. Path and Mode do not matter.
//
// progress is told of each n bytes more that are verified, those that were
// there already among them. A disk too full is a *SpaceError, before anything
// is transferred if that can be known.
func Fetch(ctx context.Context, dst *Directory, src Source, f File, progress func(n int64)) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("fetch %q: %w", f.SHA256, err)
	}
	unlock, err := dst.lock(ctx, f.SHA256)
	if err != nil {
		return err
	}
	defer unlock()
	if size, ok := dst.Has(f.SHA256); ok && size == f.Size {
		report(progress, f.Size)
		return nil
	}
	if err := (&transfer{dst: dst, src: src, file: &f, whole: sha256.New(), progress: progress}).run(ctx); err != nil {
		return fmt.Errorf("fetch %s: %w", f.SHA256, dst.explainSpace(err, f.Size))
	}
	return nil
}

// FetchVersion brings a version into the store and then makes it visible: the
// manifest, signed by one of the keys, and all its files. Until then the
// manifest is kept as pending, so that Sweep leaves the files that are there.
func FetchVersion(ctx context.Context, dst *Directory, src Source, digest string, keys []ed25519.PublicKey, progress func(n int64)) error {
	envelope, m, err := fetchManifest(ctx, dst, src, digest, keys)
	if err != nil {
		return fmt.Errorf("fetch version: %w", err)
	}
	var missing int64
	for _, f := range dst.Missing(m) {
		missing += f.Size - dst.partialBytes(f.SHA256)
	}
	if err := dst.room(missing); err != nil {
		return fmt.Errorf("fetch version %s: %w", digest, err)
	}
	for _, f := range m.Files {
		if err := Fetch(ctx, dst, src, f, progress); err != nil {
			return fmt.Errorf("version %s: file %q: %w", digest, f.Path, err)
		}
	}
	return dst.PutManifest(digest, envelope)
}

// fetchManifest takes the manifest from the store if it is there and good.
func fetchManifest(ctx context.Context, dst *Directory, src Source, digest string, keys []ed25519.PublicKey) ([]byte, *Manifest, error) {
	if !IsDigest(digest) {
		return nil, nil, fmt.Errorf("manifest %q: not a digest", digest)
	}
	for _, suffix := range []string{".json", ".pending"} {
		raw, err := os.ReadFile(dst.manifest(digest, suffix))
		if err != nil {
			continue
		}
		if m, err := OpenManifest(raw, digest, keys); err == nil {
			return raw, m, nil
		}
	}
	raw, err := src.Manifest(ctx, digest)
	if err != nil {
		return nil, nil, err
	}
	m, err := OpenManifest(raw, digest, keys)
	if err != nil {
		return nil, nil, err
	}
	return raw, m, dst.writeManifest(digest, ".pending", raw)
}

// partialBytes is how much disk the partial of a file takes up already.
func (d *Directory) partialBytes(sha string) int64 {
	info, err := os.Stat(d.partial(sha))
	if err != nil {
		return 0
	}
	return min(info.Size(), allocated(info))
}
