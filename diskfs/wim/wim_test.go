package wim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// capture makes a small WIM with wimlib.
func capture(t testing.TB, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if err := os.MkdirAll(filepath.Join(tree, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("the quick brown fox "), 5000)
	for _, name := range []string{"a", "sub/b"} {
		if err := os.WriteFile(filepath.Join(tree, name), append(text, name...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(tree, "a"), filepath.Join(tree, "c")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "test.wim")
	all := append([]string{"capture", tree, path, "Ward <1>", "Größe & more", "--unix-data"}, args...)
	if out, err := exec.Command("wimlib-imagex", all...).CombinedOutput(); err != nil {
		t.Fatalf("wimlib-imagex: %v\n%s", err, out)
	}
	return path
}

func TestRead(t *testing.T) {
	path := capture(t, "--check", "--compress=XPRESS", "--image-property=BOOTWARD/ARCH=amd64", "--image-property=BOOTWARD/OS=debian")
	info, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Integrity || info.Compression != "XPRESS" || len(info.Images) != 1 || len(info.GUID) != 32 {
		t.Errorf("info %+v", info)
	}
	image, err := info.Image(1)
	if err != nil {
		t.Fatal(err)
	}
	if image.Name != "Ward <1>" || image.Description != "Größe & more" || image.Arch != "amd64" || image.OS != "debian" {
		t.Errorf("image %+v", image)
	}
	if image.TotalBytes != 300007 || image.Bytes() != 200006 || image.Files != 3 || image.Dirs != 2 {
		t.Errorf("image %+v holds %d", image, image.Bytes())
	}
	if age := time.Since(image.Created); age < -time.Minute || age > time.Hour {
		t.Errorf("created %v", image.Created)
	}
	if _, err := info.Image(2); err == nil || !strings.Contains(err.Error(), "1 to 1") {
		t.Errorf("got %v", err)
	}
}

func TestWindowsArch(t *testing.T) {
	info, err := ReadFile(capture(t, "--image-property=WINDOWS/ARCH=12"))
	if err != nil || info.Images[0].Arch != "arm64" || info.Images[0].OS != "windows" || info.Integrity {
		t.Errorf("%+v, %v", info, err)
	}
}

func verify(t testing.TB, raw []byte) error {
	return Verify(t.Context(), bytes.NewReader(raw), int64(len(raw)), nil)
}

func TestVerify(t *testing.T) {
	raw, err := os.ReadFile(capture(t, "--check"))
	if err != nil {
		t.Fatal(err)
	}
	var done, total int64
	err = Verify(t.Context(), bytes.NewReader(raw), int64(len(raw)), func(d, n int64) { done, total = d, n })
	if err != nil || done != total || done == 0 {
		t.Fatalf("%v, %d of %d", err, done, total)
	}
	end := int(binary.LittleEndian.Uint64(raw[56:])) + int(parseResource(raw[48:]).size)
	for _, at := range []int{0, 13, 300, end / 2, end - 1} {
		bad := bytes.Clone(raw)
		bad[at] ^= 1
		if err := verify(t, bad); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotWIM) && !errors.Is(err, ErrTruncated) {
			t.Errorf("a flipped bit at %d: %v", at, err)
		}
	}
	for _, n := range []int{0, 7, 207, 208, 1000, len(raw) - 1} {
		if err := verify(t, raw[:n]); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNotWIM) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Verify(ctx, bytes.NewReader(raw), int64(len(raw)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyWithoutTable(t *testing.T) {
	raw, err := os.ReadFile(capture(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, raw); !errors.Is(err, ErrNoIntegrity) {
		t.Errorf("got %v", err)
	}
}

func TestRefusesHeaders(t *testing.T) {
	raw, err := os.ReadFile(capture(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		at   int
		put  []byte
		want string
	}{
		{"split", 42, []byte{3, 0}, "part 1 of 3"},
		{"being written", 16, []byte{flagWriting}, "being written"},
		{"pipable", 0, []byte(pipable), "pipable"},
		{"no images", 44, []byte{0, 0, 0, 0}, "0 images"},
		{"more images", 44, []byte{2, 0, 0, 0}, "counts 2 images"},
		{"version", 12, []byte{1}, "version"},
		{"boot index", 120, []byte{9}, "boot index"},
		{"table beyond the end", 56, []byte{0, 0, 0, 0, 1}, "truncated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := bytes.Clone(raw)
			copy(bad[tt.at:], tt.put)
			if _, err := Read(bytes.NewReader(bad), int64(len(bad))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzRead holds that no input makes the parsers panic or take much memory, and
// that what is accepted is consistent.
func FuzzRead(f *testing.F) {
	raw, err := os.ReadFile(capture(f, "--check"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:HeaderSize])
	f.Fuzz(func(t *testing.T, raw []byte) {
		info, err := Read(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		for i, image := range info.Images {
			if image.Index != i+1 || image.Bytes() < 0 {
				t.Errorf("%+v", image)
			}
		}
		_ = verify(t, raw)
	})
}
