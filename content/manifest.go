// Package content moves and keeps the files of packages: manifests with
// chunks, verification, resumable transfer, and the store of whole files
// named by their digest.
//
// It knows nothing of who may have what. A version becomes visible only when
// all of it is on disk, fsynced and verified; nothing that fails its digest
// is ever handed out. Formats: docs/formats/manifest.md.
package content

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/bootward/bootward/trust"
)

// Format is the format of manifests.
const Format = 1

// Manifest lists the files of one version of a package. It travels as the
// payload of an envelope of type bootward.manifest.v1; the digest of that
// payload names the version.
type Manifest struct {
	Format   int      `json:"format"`
	Requires []string `json:"requires,omitempty"`
	Files    []File   `json:"files"`
}

// File is one file of a package.
type File struct {
	// Path is relative, with slashes, without "." or "..".
	Path string `json:"path"`
	// Mode holds the permission bits, 0644 or 0755.
	Mode uint32 `json:"mode"`
	Size int64  `json:"size"`
	// SHA256 is that of the whole file, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Chunks cover the file in order without gaps.
	Chunks []Chunk `json:"chunks,omitempty"`
}

// Chunk is a piece of a file.
type Chunk struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
}

// Limits of what ParseManifest takes. MaxManifest bytes in an envelope stay
// below trust.MaxEnvelope, and suffice for about 25 GiB in chunks of 64 KiB.
const (
	MaxManifest = 47 << 20
	// MaxChunk is the longest chunk that a manifest may name, in bytes.
	MaxChunk = 1 << 20
	maxPath  = 4096
)

// Digest names content: "sha256:" and 64 hexadecimal digits.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ParseManifest reads the payload of a manifest envelope and validates it:
// paths that stay inside, chunks that cover each file exactly.
func ParseManifest(payload []byte) (*Manifest, error) {
	if len(payload) > MaxManifest {
		return nil, fmt.Errorf("manifest: %d bytes, at most %d are taken: split the package", len(payload), MaxManifest)
	}
	var m Manifest
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Format != Format || len(m.Requires) > 0 {
		return nil, fmt.Errorf("manifest: format %d, requires %q: this program reads format %d without requirements", m.Format, m.Requires, Format)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return &m, nil
}

// OpenManifest checks a signed manifest and reads it: the signature by one of
// the keys, the digest of the payload, and then what ParseManifest checks.
func OpenManifest(envelope []byte, digest string, keys []ed25519.PublicKey) (*Manifest, error) {
	payload, err := trust.Open(envelope, trust.TypeManifest, keys)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", digest, err)
	}
	if Digest(payload) != digest {
		return nil, fmt.Errorf("manifest %s: the envelope holds %s", digest, Digest(payload))
	}
	m, err := ParseManifest(payload)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", digest, err)
	}
	return m, nil
}

// Bytes is the size of all files together.
func (m *Manifest) Bytes() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// File finds a file by its path, or returns nil.
func (m *Manifest) File(p string) *File {
	for i := range m.Files {
		if m.Files[i].Path == p {
			return &m.Files[i]
		}
	}
	return nil
}
