package firmware_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/bootimg/firmware"
	"github.com/bootward/bootward/rootfs/kittest"
)

const espStart = 2 << 20

func build(t *testing.T, o firmware.Options) (string, [sha256.Size]byte) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "disk.img")
	r, err := firmware.Build(t.Context(), kittest.New(t), kittest.Board(t), o, out)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if n, err := io.Copy(h, f); err != nil || n != r.Size {
		t.Fatalf("read %d of %d: %v", n, r.Size, err)
	}
	return out, [sha256.Size]byte(h.Sum(nil))
}

// TestBuild has sgdisk, fsck.fat and mtools look at the disk.
func TestBuild(t *testing.T) {
	o := firmware.Options{Version: "2.0.0", BoxConfig: []byte("kind: Box\n"), EnrolToken: []byte("secret")}
	disk, sum := build(t, o)
	if _, again := build(t, o); again != sum {
		t.Error("same inputs, other bytes")
	}
	if got := tool(t, "sgdisk", "-v", "-p", disk); !strings.Contains(got, "No problems found") || !strings.Contains(got, "bootward-esp") || !strings.Contains(got, "EF02") {
		t.Errorf("sgdisk: %s", got)
	}
	esp := filepath.Join(t.TempDir(), "esp.img")
	tool(t, "dd", "if="+disk, "of="+esp, "bs=1M", "skip=2", "count=272", "conv=sparse")
	tool(t, "fsck.fat", "-n", esp)
	listing := tool(t, "mdir", "-/", "-b", "-i", esp, "::/")
	for _, want := range []string{"/EFI/BOOT/BOOTX64.EFI", "/EFI/Linux/bootward-a+3.efi", "/loader/loader.conf", "/boot/grub/grub.cfg",
		"/slots/a/vmlinuz", "/slots/a/initrd", "/bootward/box.yaml", "/bootward/enrol.token", "/bootward/firmware.json"} {
		if !strings.Contains(listing, want) {
			t.Errorf("%s is not on the ESP", want)
		}
	}
	if env := tool(t, "mtype", "-i", esp, "::/boot/grub/grubenv"); len(env) != 1024 || !strings.Contains(env, "\ngood=a\n") {
		t.Errorf("grubenv has %d bytes", len(env))
	}
	if line := tool(t, "mtype", "-i", esp, "::/slots/a/slot.cfg"); !strings.Contains(line, "bootward.role=box") {
		t.Errorf("slot.cfg %q", line)
	}
	if info, err := os.Stat(disk); err != nil || info.Size() != espStart+272<<20+1<<20 {
		t.Errorf("size %v, %v", info.Size(), err)
	}
}

func TestBuildWithoutSeeds(t *testing.T) {
	disk, _ := build(t, firmware.Options{Slot: "b"})
	raw, err := os.ReadFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("enrol.token")) || !bytes.Contains(raw, []byte("good=b")) || raw[510] != 0x55 || raw[0x66] != 0x90 {
		t.Error("seeds, slot or boot sector are wrong")
	}
}

func TestBuildRefuses(t *testing.T) {
	small := kittest.Board(t)
	small.Disk.ESP = board.MiB / 8
	for name, c := range map[string]struct {
		b    board.Board
		o    firmware.Options
		want string
	}{
		"slot":     {kittest.Board(t), firmware.Options{Slot: "c"}, "slot"},
		"version":  {kittest.Board(t), firmware.Options{Version: "a/b"}, "version"},
		"too full": {small, firmware.Options{}, "disk.esp"},
		"quote":    {kittest.Board(t), firmware.Options{Parameters: "a='b'"}, "command line"},
	} {
		out := filepath.Join(t.TempDir(), "disk.img")
		_, err := firmware.Build(t.Context(), kittest.New(t), c.b, c.o, out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
