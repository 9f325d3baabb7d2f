package rootfs_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"

	"github.com/bootward/bootward/rootfs"
	"github.com/bootward/bootward/rootfs/kittest"
)

func TestCloseModules(t *testing.T) {
	k := kittest.New(t)
	m, err := rootfs.CloseModules(k, []string{"ext4", "virt-net", "vfat"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ext4", "jbd2", "mbcache", "virt_net"}, m.Names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"virt/net.bin"}, m.Missing); diff != "" {
		t.Error(diff)
	}
	files := unpack(t, must(m.Archive().Bytes()))
	base := "lib/modules/" + kittest.Release + "/"
	for name, want := range map[string]string{
		"modules.dep": "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko\n" +
			"kernel/fs/jbd2/jbd2.ko: kernel/fs/mbcache.ko\nkernel/fs/mbcache.ko:\nkernel/drivers/net/virt-net.ko:\n",
		"modules.softdep": "softdep ext4 pre: crc32c\n",
		"modules.alias":   "alias fs-ext4 ext4\nalias virtio:d00000001v* virt_net\n",
	} {
		if diff := cmp.Diff(want, files[base+name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := rootfs.CloseModules(k, []string{"absent"}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("unknown module: %v", err)
	}
}

func TestBuildIsReproducibleAndOrdered(t *testing.T) {
	k, b := kittest.New(t), kittest.Board(t)
	extra := map[string][]byte{"etc/bootward/trust.json": []byte("{}")}
	one, err := rootfs.Build(k, b, rootfs.Target(), extra)
	if err != nil {
		t.Fatal(err)
	}
	two, err := rootfs.Build(kittest.New(t), b, rootfs.Target(), extra)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Initrd, two.Initrd) {
		t.Error("same inputs, other bytes")
	}
	plain := decompress(t, one.Initrd)
	if slices.Index(indexes(plain, "lib/modules", "etc/bootward/trust.json"), -1) >= 0 || bytes.Index(plain, []byte("lib/modules")) > bytes.Index(plain, []byte("trust.json")) {
		t.Error("modules must come before ours")
	}
	if len(one.Materials) < 7 || one.Release != kittest.Release {
		t.Errorf("materials %d, release %s", len(one.Materials), one.Release)
	}
}

func indexes(data []byte, words ...string) (at []int) {
	for _, w := range words {
		at = append(at, bytes.Index(data, []byte(w)))
	}
	return at
}

// TestForeignTools has zstd and cpio read what we write.
func TestForeignTools(t *testing.T) {
	var a rootfs.Archive
	a.Put("init", []byte("#!"), 0o755)
	a.Folder("tmp", 0o777)
	z, err := rootfs.Concatenate(must(a.Bytes()), must((&rootfs.Archive{}).Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "initrd")
	if err := os.WriteFile(file, z, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "zstd -dc "+file+" | cpio -itv 2>/dev/null").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"-rwxr-xr-x", "drwxrwxrwx"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestArchiveRefuses(t *testing.T) {
	for name, fill := range map[string]func(*rootfs.Archive){
		"absolute": func(a *rootfs.Archive) { a.Put("/etc/x", nil, 0o644) },
		"upwards":  func(a *rootfs.Archive) { a.Put("../x", nil, 0o644) },
		"twice":    func(a *rootfs.Archive) { a.Put("x", nil, 0o644); a.Put("x", nil, 0o644) },
		"below":    func(a *rootfs.Archive) { a.Put("x", nil, 0o644); a.Put("x/y", nil, 0o644) },
	} {
		var a rootfs.Archive
		fill(&a)
		if _, err := a.Bytes(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKitRefusesChangedFiles(t *testing.T) {
	k := kittest.New(t)
	if err := os.WriteFile(filepath.Join(k.Dir, "base.cpio"), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Read("base.cpio"); !errors.Is(err, rootfs.ErrKit) {
		t.Errorf("changed file: %v", err)
	}
	if _, err := k.Read("absent"); !errors.Is(err, rootfs.ErrKit) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := rootfs.OpenKit(t.TempDir()); !errors.Is(err, rootfs.ErrKit) {
		t.Errorf("no kit: %v", err)
	}
}

func FuzzParseModule(f *testing.F) {
	for _, info := range kittest.Modules {
		f.Add("a.ko", kittest.Module(info))
	}
	f.Add("a.ko.xz", []byte("\xfd7zXZ\x00"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		m, err := rootfs.ParseModule(name, data)
		if err == nil && slices.Contains(m.Depends, "") {
			t.Fatal("empty dependency")
		}
	})
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func decompress(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, r := range records {
		data := make([]byte, r.FileSize)
		if _, err := r.ReadAt(data, 0); err != nil && r.FileSize > 0 {
			t.Fatal(err)
		}
		files[r.Name] = string(data)
	}
	return files
}
