package diskfs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

func image(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func wants(t *testing.T, have string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(have, p) {
			t.Errorf("missing %q in:\n%s", p, have)
		}
	}
}

// prepare plans, writes and formats.
func prepare(t *testing.T, path string, style Style, volumes []Volume) ([]Target, []Signature) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := geometry(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	l, err := Plan(style, g, volumes)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	targets, err := Write(ctx, path, l)
	if err != nil {
		t.Fatal(err)
	}
	var out []Signature
	for i, target := range targets {
		s, err := Format(ctx, Tools{Runner: tool.Exec{}}, target, volumes[i])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return targets, out
}

// cut copies a partition into a file of its own, for tools that want one.
func cut(t *testing.T, from Target) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "part.img")
	run(t, "dd", "if="+from.Path, "of="+out, "bs=1M", "conv=sparse", "status=none",
		fmt.Sprintf("skip=%d", from.Offset/mib), fmt.Sprintf("count=%d", from.Length/mib))
	return out
}

func TestGPTInterop(t *testing.T) {
	path := image(t, 512*mib)
	targets, sigs := prepare(t, path, GPT, efiVolumes())
	run(t, "sgdisk", "--verify", path)
	wants(t, run(t, "sgdisk", "--print", path), "ESP", "OSDisk", "EF00", "8300")
	wants(t, run(t, "sfdisk", "--verify", path), "No errors")
	esp, root := cut(t, targets[0]), cut(t, targets[1])
	run(t, "fsck.vfat", "-n", esp)
	wants(t, run(t, "blkid", "-p", esp), `TYPE="vfat"`, `VERSION="FAT32"`, `LABEL="ESP"`, `UUID="`+sigs[0].UUID+`"`)
	run(t, "e2fsck", "-fn", root)
	wants(t, run(t, "blkid", "-p", root), `TYPE="ext4"`, `LABEL="OSDisk"`, `UUID="`+sigs[1].UUID+`"`)
	for _, feature := range []string{"orphan_file", "metadata_csum_seed"} {
		if strings.Contains(run(t, "dumpe2fs", "-h", root), feature) {
			t.Errorf("GRUB 2.06 does not read %s", feature)
		}
	}
}

func TestMBRInterop(t *testing.T) {
	path := image(t, 256*mib)
	// What an older GPT left behind must be gone.
	run(t, "sgdisk", "--clear", "--new=1:2048:+64M", "--change-name=1:old", path)
	targets, sigs := prepare(t, path, MBR, biosVolumes())
	wants(t, run(t, "sfdisk", "--dump", path), "label: dos", "start=        2048", "type=83, bootable", "type=82")
	wants(t, run(t, "sfdisk", "--verify", path), "No errors")
	if out := run(t, "wipefs", path); strings.Contains(out, "gpt") {
		t.Errorf("the old table is still there:\n%s", out)
	}
	run(t, "e2fsck", "-fn", cut(t, targets[0]))
	wants(t, run(t, "blkid", "-p", cut(t, targets[1])), `TYPE="swap"`, `UUID="`+sigs[1].UUID+`"`, `LABEL="swap"`)
}

// TestExtendedInterop: programs of others read the logical volumes where we wrote them.
func TestExtendedInterop(t *testing.T) {
	path := image(t, 1536*mib)
	targets, _ := prepare(t, path, MBR, []Volume{
		{Name: "System", Type: Primary, Size: "300MiB", FileSystem: Ext4, QuickFormat: true}, {Type: Extended, Size: "100%"},
		{Name: "EXCHANGE", Type: Logical, Size: "64MiB", FileSystem: FAT32, QuickFormat: true},
		{Name: "swap", Type: Logical, Size: "64MiB", FileSystem: Swap, QuickFormat: true},
		{Name: "Archive", Type: Logical, Size: "100%", FileSystem: Ext4, QuickFormat: true},
	})
	wants(t, run(t, "sfdisk", "--verify", path), "No errors")
	wants(t, run(t, "sfdisk", "--dump", path), "disk.img1 ", "disk.img2 ", "type=f", "disk.img5 ", "type=c", "disk.img6 ", "type=82", "disk.img7 ")
	print := run(t, "parted", "--script", "--machine", path, "unit", "MiB", "print")
	wants(t, print, "2:301MiB:1536MiB:1235MiB", "5:302MiB:366MiB:64.0MiB:fat32", "6:367MiB:431MiB:64.0MiB:linux-swap", "7:432MiB:1536MiB:1104MiB:ext4")
	run(t, "e2fsck", "-fn", cut(t, targets[4]))
	run(t, "fsck.vfat", "-n", cut(t, targets[2]))
	if got := targets[4].PartUUID; !strings.HasSuffix(got, "-07") {
		t.Errorf("the PARTUUID of the third logical volume is %s", got)
	}
}

func TestNTFSInterop(t *testing.T) {
	path := image(t, 32*mib)
	s, err := Format(t.Context(), Tools{Runner: tool.Exec{}}, Target{Path: path, Length: 32 * mib, SectorSize: 512, DiskOffset: mib},
		Volume{Name: "Windows", FileSystem: NTFS})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, "blkid", "-p", path), `TYPE="ntfs"`, `LABEL="Windows"`, `UUID="`+s.UUID+`"`)
	_, err = Format(t.Context(), Tools{Runner: tool.Exec{}}, Target{Path: path, Offset: mib, Length: 16 * mib, SectorSize: 512}, Volume{FileSystem: NTFS})
	if err == nil || !strings.Contains(err.Error(), "offset") {
		t.Errorf("got %v", err)
	}
}

// TestLoopDevice partitions a real block device and formats through its nodes.
func TestLoopDevice(t *testing.T) {
	path := image(t, 256*mib)
	loop := strings.TrimSpace(run(t, "losetup", "--find", "--partscan", "--show", path))
	t.Cleanup(func() { run(t, "losetup", "--detach", loop) })
	targets, _ := prepare(t, loop, MBR, biosVolumes())
	if targets[0].Path != loop+"p1" || targets[0].Offset != 0 {
		t.Fatalf("target %+v", targets[0])
	}
	run(t, "e2fsck", "-fn", targets[0].Path)
	dir := t.TempDir()
	run(t, "mount", targets[0].Path, dir)
	l, err := Plan(MBR, Geometry{256 * mib, 512}, biosVolumes())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Write(t.Context(), loop, l)
	run(t, "umount", dir)
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a mounted disk was partitioned: %v", err)
	}
	if _, err := Write(t.Context(), loop, l); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestWriteRefusesAnotherDisk(t *testing.T) {
	l, err := Plan(MBR, Geometry{256 * mib, 512}, biosVolumes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), image(t, 512*mib), l); err == nil || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("got %v", err)
	}
}

func TestFullFormatErases(t *testing.T) {
	path := image(t, 64*mib)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("secret"), 50*mib)
	f.Close()
	target := Target{Path: path, Offset: 0, Length: 64 * mib, SectorSize: 512}
	if _, err := Format(t.Context(), Tools{Runner: tool.Exec{}}, target, Volume{FileSystem: Swap}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "secret") {
		t.Errorf("old data is still there (%v)", err)
	}
}

func TestWaitNodeDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := waitNode(ctx, "/dev/bootward-none"); err == nil || !strings.Contains(err.Error(), "bootward-none") {
		t.Errorf("got %v", err)
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add(make([]byte, 4096))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if s := Recognise(head); s.FileSystem != "" && s.UUID == "" {
			t.Errorf("%v without a UUID", s)
		}
	})
}

// TestXFSInterop: the volume has the UUID and the label that were read back, xfs_repair
// finds nothing, and GRUB reads files from it.
func TestXFSInterop(t *testing.T) {
	path := image(t, 512*mib)
	targets, sigs := prepare(t, path, MBR, []Volume{{Name: "swap", Type: Primary, Size: "64MiB", FileSystem: Swap}})
	if targets[0].PartUUID == "" || !strings.Contains(run(t, "sfdisk", "--dump", path), "label-id: 0x"+targets[0].PartUUID[:8]) {
		t.Errorf("PARTUUID %q", targets[0].PartUUID)
	}
	path = image(t, 400*mib)
	s, err := Format(t.Context(), Tools{Runner: tool.Exec{}}, Target{Path: path, Length: 400 * mib, SectorSize: 512}, Volume{Name: "Records 2026", FileSystem: XFS, QuickFormat: true})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, "blkid", "-p", path), `TYPE="xfs"`, `LABEL="Records 2026"`, `UUID="`+s.UUID+`"`)
	if s.Label != "Records 2026" || sigs[0].FileSystem != Swap {
		t.Errorf("%+v", s)
	}
	run(t, "xfs_repair", "-n", "-f", path)
	dir := t.TempDir()
	run(t, "mount", "-o", "loop", path, dir)
	err = os.WriteFile(filepath.Join(dir, "grub.cfg"), []byte("read by GRUB"), 0o644)
	run(t, "umount", dir)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, run(t, "grub-fstest", path, "cat", "/grub.cfg"), "read by GRUB")
}

// TestPartUUID: what crypttab will name is what other tools read from the table.
func TestPartUUID(t *testing.T) {
	path := image(t, 512*mib)
	targets, _ := prepare(t, path, GPT, efiVolumes())
	for i, target := range targets {
		wants(t, run(t, "sfdisk", "--part-uuid", path, fmt.Sprint(i+1)), strings.ToUpper(target.PartUUID))
	}
}

// TestFourPrimaries: an MBR disk takes four volumes, one of them active.
func TestFourPrimaries(t *testing.T) {
	path := image(t, 700*mib)
	volumes := []Volume{
		{Name: "boot", Type: Primary, Size: "64MiB", FileSystem: Ext4},
		{Name: "OSDisk", Type: Primary, Size: "64MiB", FileSystem: Ext4, Bootable: true},
		{Name: "data", Type: Primary, Size: "64MiB", FileSystem: FAT32},
		{Name: "swap", Type: Primary, Size: "100%", FileSystem: Swap},
	}
	targets, _ := prepare(t, path, MBR, volumes)
	wants(t, run(t, "sfdisk", "--verify", path), "No errors")
	wants(t, run(t, "sfdisk", "--dump", path), "img1 : start=        2048, size=      131072, type=83\n", "size=      131072, type=83, bootable", "type=c\n", "type=82\n")
	out := run(t, "parted", "--script", "--machine", path, "unit", "MiB", "print")
	wants(t, out, ":msdos:", "1:1.00MiB:65.0MiB:64.0MiB:ext4::;", "2:65.0MiB:129MiB:64.0MiB:ext4::boot;")
	run(t, "parted", "--script", path, "align-check", "optimal", "4")
	run(t, "e2fsck", "-fn", cut(t, targets[1]))
	run(t, "fsck.vfat", "-n", cut(t, targets[2]))
}

// TestFAT32Sizes: whatever the size, every cluster has an entry in the table.
func TestFAT32Sizes(t *testing.T) {
	for _, size := range []int64{33, 64, 65, 100, 256, 300, 512, 1000} {
		path := image(t, size*mib)
		if _, err := Format(t.Context(), Tools{}, Target{Path: path, Length: size * mib, SectorSize: 512}, Volume{Name: "ESP", FileSystem: FAT32, QuickFormat: true}); err != nil {
			t.Fatal(err)
		}
		run(t, "fsck.vfat", "-n", path)
	}
}
