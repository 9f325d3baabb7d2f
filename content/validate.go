package content

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// validate holds what ParseManifest promises.
func (m *Manifest) validate() error {
	paths := make(map[string]bool, len(m.Files))
	sizes := make(map[string]int64, len(m.Files))
	for i := range m.Files {
		f := &m.Files[i]
		if err := errors.Join(f.validatePath(), f.validate()); err != nil {
			return fmt.Errorf("file %q: %w", f.Path, err)
		}
		if paths[f.Path] {
			return fmt.Errorf("file %q: is there twice", f.Path)
		}
		paths[f.Path] = true
		if size, ok := sizes[f.SHA256]; ok && size != f.Size {
			return fmt.Errorf("file %q: %d bytes, but another file of the same sha256 has %d", f.Path, f.Size, size)
		}
		sizes[f.SHA256] = f.Size
	}
	for _, f := range m.Files {
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if paths[dir] {
				return fmt.Errorf("file %q: %q is a file, not a directory", f.Path, dir)
			}
		}
	}
	return nil
}

func (f *File) validatePath() error {
	p := f.Path
	if p == "" || p[0] == '/' || p == "." || p == ".." || strings.HasPrefix(p, "../") || path.Clean(p) != p ||
		len(p) > maxPath || !utf8.ValidString(p) || strings.ContainsFunc(p, isForbidden) {
		return errors.New("the path must be relative, stay inside the package and hold no control characters and backslashes")
	}
	if f.Mode != 0o644 && f.Mode != 0o755 {
		return fmt.Errorf("mode %#o: want 0644 or 0755", f.Mode)
	}
	return nil
}

func isForbidden(r rune) bool { return r == '\\' || r < 0x20 || r == 0x7f }

// validate checks what says which bytes the file has.
func (f *File) validate() error {
	if !IsSHA256(f.SHA256) || f.Size < 0 {
		return errors.New("sha256 or size is wrong")
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
