package disk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs"
)

// formatted is a loop device with an ext4 file system.
func formatted(t *testing.T) string {
	t.Helper()
	_, _, d := loopDisk(t)
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.Device()).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v %s", err, out)
	}
	return d.Device()
}

func TestMountAll(t *testing.T) {
	root := filepath.Join(t.TempDir(), "target")
	inner := Mount{Device: formatted(t), At: "/boot/efi", FileSystem: diskfs.Ext4}
	outer := Mount{Device: formatted(t), At: "/", FileSystem: diskfs.Ext4}
	swap := Mount{Device: "/dev/none", FileSystem: diskfs.Swap}
	all := []Mount{inner, swap, outer} // not in the order of mounting
	if err := MountAll(root, all); err != nil {
		t.Fatal(err)
	}
	table, _ := os.ReadFile("/proc/self/mounts")
	for _, want := range []string{outer.Device + " " + root + " ext4", inner.Device + " " + root + "/boot/efi ext4"} {
		if !strings.Contains(string(table), want) {
			t.Errorf("%q is not mounted:\n%s", want, table)
		}
	}
	if err := UnmountAll(root, all); err != nil {
		t.Error(err)
	}
	if err := UnmountAll(root, all); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := MountAll(root, append(all, Mount{Device: "/dev/none", At: "/home", FileSystem: diskfs.Ext4})); err == nil || !strings.Contains(err.Error(), "/dev/none") {
		t.Errorf("got %v", err)
	}
	table, _ = os.ReadFile("/proc/self/mounts")
	if strings.Contains(string(table), root) {
		t.Errorf("a failed MountAll left something mounted:\n%s", table)
	}
}
