package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd"
)

func TestUpload(t *testing.T) {
	r := newRig(t)
	b := bytes.Repeat([]byte("bootward"), 10_000)
	sum := sha256.Sum256(b)
	path := "/v1/blobs/" + hex.EncodeToString(sum[:])
	put := func(from, to int, data []byte) (int, string) {
		code, raw := r.person().call("PUT", path, data, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(b)))
		return code, string(raw)
	}
	if code, raw := put(0, 30_000, b[:30_000]); code != http.StatusNoContent {
		t.Fatalf("first part: %d %s", code, raw)
	}
	if code, _ := r.person().call("HEAD", path, nil); code != http.StatusNotFound {
		t.Errorf("half a file is visible: %d", code)
	}
	if code, raw := put(40_000, 50_000, b[40_000:50_000]); code != http.StatusConflict || !strings.Contains(raw, "30000") {
		t.Errorf("a gap: %d %s", code, raw)
	}
	if code, raw := put(30_000, len(b), b[30_000:]); code != http.StatusNoContent {
		t.Fatalf("second part: %d %s", code, raw)
	}
	if code, _ := r.person().call("HEAD", path, nil); code != http.StatusOK {
		t.Errorf("the whole file: %d", code)
	}
	wrong := "/v1/blobs/" + strings.Repeat("ab", 32)
	if code, raw := r.person().call("PUT", wrong, b); code != http.StatusBadRequest {
		t.Errorf("bytes of another digest: %d %s", code, raw)
	}
	if code, _ := r.person().call("HEAD", wrong, nil); code != http.StatusNotFound {
		t.Errorf("they are visible: %d", code)
	}
	for _, h := range []string{"bytes 5-2/10", "bytes 0-10/10", "items 0-1/2", "bytes -1-2/4"} {
		if code, _ := r.person().call("PUT", path, b, "Content-Range", h); code != http.StatusBadRequest {
			t.Errorf("Content-Range %q: %d, want 400", h, code)
		}
	}
}

// capture makes a WIM with wimlib, as an administrator does.
func capture(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	tree, file := filepath.Join(dir, "tree"), filepath.Join(dir, "os.wim")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "file"), bytes.Repeat([]byte("some text that can be compressed "), 40_000), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("wimlib-imagex", "capture", tree, file, "Debian 12", "for the wards", "--unix-data", "--compress=XPRESS", "--check").CombinedOutput()
	if err != nil {
		t.Fatalf("wimlib-imagex: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestImportWIM: a good WIM becomes an image with its indexes; a damaged one
// is refused, naming the file, and nothing is made.
func TestImportWIM(t *testing.T) {
	r := newRig(t)
	good := capture(t)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want string
	}{"flipped": {flipped, "os.wim"}, "truncated": {good[:len(good)*2/3], "truncated"}, "no WIM": {[]byte("something else entirely"), "os.wim"}} {
		code, raw := r.importing(osd.KindImage, "debian-12", r.upload(map[string][]byte{"os.wim": c.data}))
		e := problemOf(t, raw)
		if code != http.StatusUnprocessableEntity || !strings.Contains(e.Object+e.Detail, c.want) || e.Remedy == "" {
			t.Errorf("%s: %d %s", name, code, raw)
		}
	}
	if code, _ := r.person().call("GET", "/v1/objects/Image/debian-12", nil); code != http.StatusNotFound {
		t.Errorf("an image was made of a damaged WIM: %d", code)
	}
	m := r.upload(map[string][]byte{"os.wim": good})
	for range 2 { // twice is once
		if code, raw := r.importing(osd.KindImage, "debian-12", m); code != http.StatusOK {
			t.Fatalf("import: %d %s", code, raw)
		}
	}
	i := must[osd.Image](t, r.person(), "GET", "/v1/objects/Image/debian-12", nil)
	if i.ID != "CEN00002" || i.File != "os.wim" || len(i.Indexes) != 1 || i.Indexes[0].Name != "Debian 12" || i.Indexes[0].TotalBytes != 33*40_000 {
		t.Errorf("image: %+v", i)
	}
}

func TestImportReadsArchitecture(t *testing.T) {
	r := newRig(t)
	uki := append([]byte("MZ"), make([]byte, 0x3e)...)
	uki[0x3c] = 0x40
	uki = append(uki, "PE\x00\x00\x64\xaa"...)
	m := r.upload(map[string][]byte{"vmlinuz": []byte("kernel"), "initrd": []byte("initrd"), "uki.efi": uki})
	if code, raw := r.importing(osd.KindBootImage, "linux-arm64", m); code != http.StatusOK || !strings.Contains(string(raw), `"architecture":"arm64"`) {
		t.Errorf("boot image: %d %s", code, raw)
	}
}

func TestImportRefuses(t *testing.T) {
	r := newRig(t)
	whole := r.upload(map[string][]byte{"vmlinuz": []byte("kernel"), "initrd": []byte("initrd")})
	if code, raw := r.importing(osd.KindBootImage, "b", whole); code != 422 || !strings.Contains(string(raw), "uki.efi") {
		t.Errorf("boot image without uki.efi: %d %s", code, raw)
	}
	lost := r.upload(map[string][]byte{"a": []byte("content")})
	lost.Files[0].SHA256 = strings.Repeat("0", 64)
	if code, raw := r.importing(osd.KindPackage, "p", lost); code != 400 || !strings.Contains(string(raw), "upload it first") {
		t.Errorf("content that is not there: %d %s", code, raw)
	}
	lied := r.upload(map[string][]byte{"a": []byte("content")})
	lied.Files[0].Chunks[0].SHA256 = strings.Repeat("0", 64)
	if code, raw := r.importing(osd.KindPackage, "p", lied); code != 400 || !strings.Contains(string(raw), "chunk at 0") {
		t.Errorf("a wrong chunk: %d %s", code, raw)
	}
	if code, raw := r.importing(osd.KindBox, "p", lied); code != 400 {
		t.Errorf("a box with content: %d %s", code, raw)
	}
}

// FuzzUploadRange: whatever a header says, an upload stays inside its file.
func FuzzUploadRange(f *testing.F) {
	for _, h := range []string{"", "bytes 0-9/10", "bytes 5-2/10", "bytes 9223372036854775807-9223372036854775807/1"} {
		f.Add(h, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, length int64) {
		r := &http.Request{Header: http.Header{"Content-Range": {header}}, ContentLength: length}
		if offset, size, err := uploadRange(r); err == nil && (offset < 0 || size < 0 || offset > size) {
			t.Errorf("%q: offset %d of %d", header, offset, size)
		}
	})
}
