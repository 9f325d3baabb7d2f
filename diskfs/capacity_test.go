package diskfs

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/diskfs/tool"
)

// TestCapacity compares the estimate with real file systems: never more than there is, and
// not much less.
func TestCapacity(t *testing.T) {
	for _, f := range []FileSystem{Ext4, XFS} {
		for _, size := range []int64{64 * mib, 300 * mib, 600 * mib, 3 * gib, 20 * gib, 200 * gib, 1024 * gib} {
			v := Volume{FileSystem: f, QuickFormat: true}
			if size < minimum(v, 512) {
				continue
			}
			path, dir := image(t, size), t.TempDir()
			if _, err := Format(t.Context(), Tools{Runner: tool.Exec{}}, Target{Path: path, Length: size, SectorSize: 512}, v); err != nil {
				t.Fatal(err)
			}
			run(t, "mount", "-o", "loop", path, dir)
			var st unix.Statfs_t
			err := unix.Statfs(dir, &st)
			run(t, "umount", dir)
			if err != nil {
				t.Fatal(err)
			}
			free := int64(st.Bfree) * st.Bsize
			bytes, inodes := Capacity(v, size)
			if bytes > free || bytes < free-size/100-16*mib {
				t.Errorf("%s of %s has %s free, estimated are %s", f, Bytes(size), Bytes(free), Bytes(bytes))
			}
			if f == Ext4 && inodes > int64(st.Ffree) || f == Ext4 && inodes < int64(st.Ffree)*95/100 {
				t.Errorf("%s of %s has %d inodes, estimated are %d", f, Bytes(size), st.Ffree, inodes)
			}
		}
	}
	plain, _ := Capacity(Volume{FileSystem: Ext4}, 3*gib)
	if sealed, _ := Capacity(Volume{FileSystem: Ext4, Encrypted: true}, 3*gib); plain-sealed < LUKSHeader/2 {
		t.Errorf("%d and %d encrypted", plain, sealed)
	}
}
