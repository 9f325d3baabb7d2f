package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootward/bootward/trust"
)

const digestPrefix = "sha256:"

// IsDigest says whether s names content: "sha256:" and 64 hexadecimal digits.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, digestPrefix)
	return ok && IsSHA256(hex)
}

// PutManifest makes a version visible. The envelope must hold the payload
// that the digest names, and all files of it must be here; who signed it is
// for the caller to know (OpenManifest).
func (d *Directory) PutManifest(digest string, envelope []byte) error {
	m, err := decodeManifest(digest, envelope)
	if err != nil {
		return fmt.Errorf("put: %w", err)
	}
	if lacking := d.Missing(m); len(lacking) > 0 {
		return fmt.Errorf("put manifest %s: %d files are not here, %q the first", digest, len(lacking), lacking[0].Path)
	}
	if err := d.writeManifest(digest, ".json", envelope); err != nil {
		return err
	}
	err = os.Remove(d.manifest(digest, ".pending"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put manifest: %w", err)
	}
	return nil
}

// Manifest is the envelope of a version that was made visible, or
// fs.ErrNotExist.
func (d *Directory) Manifest(digest string) ([]byte, error) {
	if !IsDigest(digest) {
		return nil, fmt.Errorf("manifest %q: %w", digest, fs.ErrNotExist)
	}
	raw, err := os.ReadFile(d.manifest(digest, ".json"))
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return raw, nil
}

// Version reads the manifest of a version that was made visible. A manifest
// that was damaged on disk is an error.
func (d *Directory) Version(digest string) (*Manifest, error) {
	raw, err := d.Manifest(digest)
	if err != nil {
		return nil, err
	}
	return decodeManifest(digest, raw)
}

// Missing are the files of a manifest that are not in the store, each digest
// once.
func (d *Directory) Missing(m *Manifest) []File {
	var lacking []File
	seen := map[string]bool{}
	for _, f := range m.Files {
		if seen[f.SHA256] {
			continue
		}
		seen[f.SHA256] = true
		if size, ok := d.Has(f.SHA256); !ok || size != f.Size {
			lacking = append(lacking, f)
		}
	}
	return lacking
}

// Complete says whether a version is visible and all its files are still
// here: one may have been quarantined since.
func (d *Directory) Complete(digest string) bool {
	m, err := d.Version(digest)
	return err == nil && len(d.Missing(m)) == 0
}

// Copied is when a version was made visible here; false if it is not. A file
// that was fetched again since does not change it.
func (d *Directory) Copied(digest string) (time.Time, bool) {
	if !IsDigest(digest) {
		return time.Time{}, false
	}
	info, err := os.Stat(d.manifest(digest, ".json"))
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}

// RemoveManifest makes a version invisible. Its files stay until Sweep.
func (d *Directory) RemoveManifest(digest string) error {
	if !IsDigest(digest) {
		return fmt.Errorf("remove manifest %q: not a digest", digest)
	}
	for _, suffix := range []string{".json", ".pending"} {
		if err := os.Remove(d.manifest(digest, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove manifest: %w", err)
		}
	}
	return syncDir(filepath.Join(d.root, "manifests"))
}

func (d *Directory) writeManifest(digest, suffix string, envelope []byte) error {
	name := d.manifest(digest, suffix)
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.new")
	if err != nil {
		return fmt.Errorf("write manifest: %w", d.explainSpace(err, int64(len(envelope))))
	}
	_, err = f.Write(envelope)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write manifest: %w", d.explainSpace(err, int64(len(envelope)))), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return syncDir(filepath.Dir(name))
}

// decodeManifest reads an envelope without looking at its signatures, and
// checks the digest.
func decodeManifest(digest string, envelope []byte) (*Manifest, error) {
	if !IsDigest(digest) || len(envelope) > trust.MaxEnvelope {
		return nil, fmt.Errorf("manifest %q: not a digest, or %d bytes are too many", digest, len(envelope))
	}
	var e trust.Envelope
	if err := json.Unmarshal(envelope, &e); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", digest, err)
	}
	if e.PayloadType != trust.TypeManifest || Digest(e.Payload) != digest {
		return nil, fmt.Errorf("manifest %s: the envelope holds a %s with digest %s", digest, e.PayloadType, Digest(e.Payload))
	}
	m, err := ParseManifest(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", digest, err)
	}
	return m, nil
}
