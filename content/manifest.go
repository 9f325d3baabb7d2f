// Package content moves and keeps the files of packages: manifests with
// chunks, verification, resumable transfer, and the store of whole files
// named by their digest.
//
// It knows nothing of who may have what. A version becomes visible only when
// all of it is on disk, fsynced and verified; nothing that fails its digest
// is ever handed out. Formats: docs/formats/manifest.md.
package content

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
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

// MaxChunk is the longest chunk that a manifest may name.
const MaxChunk = 1 << 20

// Digest names content: "sha256:" and 64 hexadecimal digits.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ParseManifest reads the payload of a manifest envelope and validates it:
// paths that stay inside, chunks that cover each file exactly.
func ParseManifest(payload []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Format != Format || len(m.Requires) > 0 {
		return nil, fmt.Errorf("manifest: format %d, requires %q: this program reads format %d without requirements", m.Format, m.Requires, Format)
	}
	seen := map[string]bool{}
	for i := range m.Files {
		if err := m.Files[i].validate(); err != nil {
			return nil, fmt.Errorf("manifest: file %q: %w", m.Files[i].Path, err)
		}
		if seen[m.Files[i].Path] {
			return nil, fmt.Errorf("manifest: file %q: is there twice", m.Files[i].Path)
		}
		seen[m.Files[i].Path] = true
	}
	return &m, nil
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

func (f *File) validate() error {
	if f.Path == "" || f.Path[0] == '/' || path.Clean(f.Path) != f.Path || f.Path == "." ||
		f.Path == ".." || strings.HasPrefix(f.Path, "../") || strings.ContainsAny(f.Path, "\\\x00") {
		return fmt.Errorf("the path must be relative and stay inside the package")
	}
	if !IsSHA256(f.SHA256) || f.Size < 0 {
		return fmt.Errorf("sha256 or size is wrong")
	}
	var at int64
	for i, c := range f.Chunks {
		if c.Offset != at || c.Length <= 0 || c.Length > MaxChunk || !IsSHA256(c.SHA256) {
			return fmt.Errorf("chunk %d at %d: want offset %d, length 1 to %d and a sha256", i, c.Offset, at, MaxChunk)
		}
		at += c.Length
	}
	if at != f.Size {
		return fmt.Errorf("the chunks cover %d bytes of %d", at, f.Size)
	}
	return nil
}

// IsSHA256 says whether s is 64 lower-case hexadecimal digits.
func IsSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
