package machine

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// loopDisks is a machine whose only disk is a loop device.
type loopDisks struct {
	d     disk.Disk
	tools diskfs.Tools
}

func (l loopDisks) Scan() ([]disk.Disk, error) { return []disk.Disk{l.d}, nil }
func (l loopDisks) Prepare(ctx context.Context, p disk.Permit, d disk.Disk, style diskfs.Style, volumes []diskfs.Volume, say func(string)) ([]disk.Prepared, error) {
	return disk.Eraser{Rescan: l.Scan, Tools: l.tools}.Prepare(ctx, p, d, style, volumes, say)
}

type anyDisk struct{}

func (anyDisk) Allow(disk.Disk) error { return nil }

// imageStore is a source of one image of so many bytes that do not compress.
func imageStore(t *testing.T, size int) *Images {
	t.Helper()
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	src, file := captured(t, noise(size))
	s := store{map[string][]byte{}, map[string][]byte{}}
	m := content.Manifest{Format: content.Format, Files: []content.File{file}}
	payload, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := json.Marshal(trust.Sign(trust.TypeManifest, payload, key))
	if err != nil {
		t.Fatal(err)
	}
	s.manifests[content.Digest(payload)] = envelope
	return &Images{Dir: t.TempDir(), Supply: &Supply{Source: both{s, src}, Keys: []ed25519.PublicKey{pub}, Say: func(string) {},
		Content: []api.JobContent{{Kind: "Image", Name: "debian-12", Manifest: content.Digest(payload), File: "os.wim"}}}}
}

// both has manifests in memory and files in a folder.
type both struct {
	store
	*distant
}

func (b both) Manifest(ctx context.Context, digest string) ([]byte, error) {
	return b.store.Manifest(ctx, digest)
}
func (b both) Range(ctx context.Context, sha string, offset, length int64) (io.ReadCloser, error) {
	return b.distant.Range(ctx, sha, offset, length)
}

// TestTooSmall: a disk on which the image has no room is left as it is, to the last byte; a
// larger one is erased.
func TestTooSmall(t *testing.T) {
	s := &sequence.Sequence{Steps: []sequence.Node{
		{Step: &sequence.PartitionDisk{Style: "mbr", Volumes: []sequence.Volume{{Type: "primary", Size: "100%", FileSystem: "ext4", QuickFormat: true, Variable: "OSDisk"}}}},
		{Step: &sequence.ApplyOperatingSystem{Image: "debian-12", To: "%OSDisk%"}}}}
	images := imageStore(t, 40<<20)
	for mib, want := range map[int64]string{44: `image "debian-12", index 1, to volume 1`, 96: ""} {
		path := filepath.Join(t.TempDir(), "disk.img")
		precious := []byte(strings.Repeat("precious", int(mib<<17)))
		if err := os.WriteFile(path, precious, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("losetup", "--find", "--partscan", "--show", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		loop := strings.TrimSpace(string(out))
		volumes := &Volumes{}
		t.Cleanup(func() {
			if err := errors.Join(volumes.Close(), exec.Command("losetup", "-d", loop).Run()); err != nil {
				t.Error(err)
			}
		})
		folder, err := job.Create(filepath.Join(t.TempDir(), "job"))
		if err != nil {
			t.Fatal(err)
		}
		x := &step.Executor{Disks: loopDisks{disk.Disk{Name: filepath.Base(loop), Size: mib << 20, SectorSize: 512}, diskfs.Tools{Runner: tool.Exec{}}},
			Volumes: volumes, Images: images, Sequence: s, Folder: folder, Permit: anyDisk{}, InMemory: folder.Dir(), Root: filepath.Join(t.TempDir(), "target"),
			Stage: status.StageBootImage, Say: func(string) {}, Log: slog.New(slog.DiscardHandler)}
		res := x.Execute(t.Context(), s.Flatten()[0], sequence.NewEnvironment())
		if (want == "") != (res.Err == nil) || res.Err != nil && !strings.Contains(res.Err.Error(), want) {
			t.Errorf("%d MiB: %v", mib, res.Err)
		}
		exec.Command("sync", loop).Run()
		if now, err := os.ReadFile(path); err != nil || (string(now) == string(precious)) != (want != "") {
			t.Errorf("%d MiB: the disk is as it was: %v, want %v (%v)", mib, string(now) == string(precious), want != "", err)
		}
	}
}

// TestNeed: what an image needs comes out of its own file, and an index that it lacks is an
// error before anything is erased.
func TestNeed(t *testing.T) {
	images := imageStore(t, 3<<20)
	need, err := images.Need(t.Context(), "debian-12", 1)
	if err != nil || need.Bytes < 3<<20 || need.Bytes > 3<<20+64<<10 || need.Inodes != 2 || need.Download != 0 {
		t.Errorf("%+v, %v", need, err)
	}
	images.Download = true
	if need, err = images.Need(t.Context(), "debian-12", 1); err != nil || need.Download < 3<<20 || need.Bytes < 6<<20 {
		t.Errorf("%+v, %v", need, err)
	}
	for name, want := range map[string]string{"debian-12": "no image 2", "other": "not among the content"} {
		if _, err := images.Need(t.Context(), name, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignPrograms: what the boot image lacks comes from the imaging tools; tools that are
// too old are named before anything is erased.
func TestForeignPrograms(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	s := store{map[string][]byte{}, map[string][]byte{}}
	loader := []byte("#!/bin/sh\necho \"$@\" >\"$2/../called\"\n") // in place of the bundle's dynamic loader
	digest := s.add(t, key, map[string][]byte{"bin/mkfs.xfs": []byte("x"), "lib/ld-linux-x86-64.so.2": loader})
	m := &Images{Dir: t.TempDir(), Supply: &Supply{Source: s, Keys: []ed25519.PublicKey{pub}, Say: func(string) {},
		Content: []api.JobContent{{Kind: "Package", Name: sequence.ImagingTools, Manifest: digest}}}}
	if err := m.Run(t.Context(), tool.Command{Path: "mkfs.ext4", Args: []string{"-V"}}); err != nil {
		t.Error(err)
	}
	if err := m.Run(t.Context(), tool.Command{Path: diskfs.MkfsXFS, Args: []string{"-V"}}); err != nil {
		t.Fatal(err)
	}
	called, err := os.ReadFile(filepath.Join(m.Dir, "tools", "called"))
	if err != nil || !strings.HasSuffix(string(called), "/tools/bin/mkfs.xfs -V\n") {
		t.Errorf("%q, %v", called, err)
	}
	err = diskfs.Tools{Runner: m}.Ready(t.Context(), []diskfs.Volume{{Name: "Records", FileSystem: diskfs.Ext4, Encrypted: true, Passphrase: "p"}})
	if err == nil || !strings.Contains(err.Error(), "has no cryptsetup: import the tools of a newer kit") {
		t.Errorf("got %v", err)
	}
}

// TestNTFSVolume: wimlib writes to a volume that is not mounted.
func TestNTFSVolume(t *testing.T) {
	images := imageStore(t, 1<<20)
	bin, err := exec.LookPath("wimlib-imagex")
	if err != nil {
		t.Fatal(err)
	}
	volume := filepath.Join(t.TempDir(), "ntfs.img")
	for _, args := range [][]string{{"truncate", "-s", "32M", volume}, {"mkntfs", "-Q", "-F", "-q", volume}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	hostTools(t, images, bin)
	images.Mount = func(_ context.Context, dir, name string, r *content.Remote) (string, func() error, error) {
		path := filepath.Join(dir, name)
		b := make([]byte, r.Size())
		_, err := r.ReadAt(b, 0)
		return path, func() error { return nil }, errors.Join(err, os.WriteFile(path, b, 0o600))
	}
	if err := images.ApplyNTFS(t.Context(), "debian-12", 1, volume, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ntfscat", "--force", volume, "file").Output(); err != nil || string(out) != string(noise(1<<20)) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestHolds: what an image has is read from its list of files.
func TestHolds(t *testing.T) {
	images := imageStore(t, 1<<20)
	bin, err := exec.LookPath("wimlib-imagex")
	if err != nil {
		t.Fatal(err)
	}
	hostTools(t, images, bin)
	unmounted := 0
	images.Mount = func(_ context.Context, dir, name string, r *content.Remote) (string, func() error, error) {
		path := filepath.Join(dir, name)
		b := make([]byte, r.Size())
		_, err := r.ReadAt(b, 0)
		return path, func() error { unmounted++; return nil }, errors.Join(err, os.WriteFile(path, b, 0o600))
	}
	for path, want := range map[string]bool{"/file": true, "/usr/share/other": false} {
		if there, err := images.Holds(t.Context(), "debian-12", 1, path); there != want || err != nil {
			t.Errorf("%s: %v, %v", path, there, err)
		}
	}
	if _, err := images.Holds(t.Context(), "debian-12", 7, "/file"); err == nil {
		t.Error("an image that is not there holds a file")
	}
	if unmounted != 3 {
		t.Errorf("unmounted %d times", unmounted)
	}
}

// hostTools puts the host's wimlib-imagex where the imaging tools would be.
func hostTools(t *testing.T, m *Images, bin string) {
	t.Helper()
	dir := filepath.Join(m.Dir, "tools")
	for _, d := range []string{"bin", "lib"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	loader := "#!/bin/sh\nshift 3\nexec " + bin + " \"$@\"\n"
	err := errors.Join(os.WriteFile(filepath.Join(dir, "lib", "ld-linux-x86-64.so.2"), []byte(loader), 0o755),
		os.WriteFile(filepath.Join(dir, ".complete"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
}
