package content

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// smallDisk mounts a tmpfs of so many bytes.
func smallDisk(t *testing.T, size string) *Directory {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount tmpfs (this test needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	d.Reserve = 0
	return d
}

func TestDiskFull(t *testing.T) {
	from := open(t)
	big, small := store(t, from, noise(1, 6<<20)), store(t, from, noise(2, 1<<20))
	to, src := smallDisk(t, "4m"), &faulty{d: from}
	var space *SpaceError
	err := Fetch(t.Context(), to, src, big, nil)
	if !errors.As(err, &space) || space.Needed != big.Size || space.Free <= 0 || space.Free > 4<<20 || len(src.asked) > 0 {
		t.Errorf("known before: %v, asked %v", err, src.asked)
	}
	if err != nil && (!strings.Contains(err.Error(), "6 MiB needed") || !strings.Contains(err.Error(), "MiB free")) {
		t.Errorf("the error says %q", err)
	}
	digest, envelope := sign(t, named(big, "big"), named(small, "small"))
	src.manifests = map[string][]byte{digest: envelope}
	if err := FetchVersion(t.Context(), to, src, digest, testKeys(), nil); !errors.As(err, &space) || space.Needed != big.Size+small.Size {
		t.Errorf("version: %v", err)
	}
	// Somebody else fills the disk while the transfer runs.
	src.spoil = func(offset int64, _ []byte) {
		if offset == 0 {
			_ = os.WriteFile(to.root+"/other", make([]byte, 4<<20), 0o600)
		}
	}
	if err := Fetch(t.Context(), to, src, small, nil); !errors.As(err, &space) || len(src.asked) > 1 {
		t.Errorf("found while writing: %v, asked %v", err, src.asked)
	}
	if _, err := to.Import(t.Context(), bytes.NewReader(noise(3, 1<<20)), nil); !errors.As(err, &space) {
		t.Errorf("import: %v", err)
	}
	if err := os.Remove(to.root + "/other"); err != nil {
		t.Fatal(err)
	}
	src.spoil = nil
	if err := Fetch(t.Context(), to, src, small, nil); err != nil {
		t.Errorf("with room again: %v", err)
	}
	to.Reserve = 1 << 40
	if free, err := to.FreeBytes(); free != 0 || err != nil {
		t.Errorf("free %d, %v", free, err)
	}
}
