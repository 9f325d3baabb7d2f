// Package kittest makes small kits for tests: real loaders of this host, a kernel and modules that only look like
// ones. Images made of it have the right shape and do not boot.
package kittest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/board"
	"github.com/bootward/bootward/rootfs"
)

// Release is the kernel release of the kit.
const Release = "6.1.0-test"

// Modules are the modules of the kit by path below the modules' folder, with their modinfo, fields apart by |.
var Modules = map[string]string{
	"kernel/fs/ext4/ext4.ko":         "name=ext4|depends=mbcache,jbd2|softdep=pre: crc32c|alias=fs-ext4",
	"kernel/fs/jbd2/jbd2.ko":         "name=jbd2|depends=mbcache",
	"kernel/fs/mbcache.ko":           "name=mbcache|depends=",
	"kernel/drivers/net/virt-net.ko": "name=virt_net|depends=|alias=virtio:d00000001v*|firmware=virt/net.bin",
	"kernel/drivers/unused.ko":       "name=unused|depends=",
	"kernel/fs/smb/client/cifs.ko":   "name=cifs|depends=|alias=fs-cifs",
}

// algorithms are built into the kernel of the kit.
const algorithms = "kernel/crypto/ccm.ko\nkernel/crypto/cmac.ko\nkernel/crypto/ctr.ko\nkernel/crypto/ecb.ko\nkernel/crypto/gcm.ko\nkernel/crypto/ghash-generic.ko\nkernel/crypto/sha512_generic.ko\n"

// Board is a board that the kit can serve.
func Board(t testing.TB) board.Board {
	t.Helper()
	b, err := board.Load("qemu-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	b.Modules = []string{"ext4", "virt-net", "vfat"}
	b.Disk.ESP = 272 * board.MiB
	return b
}

// New writes a kit into a fresh folder and opens it.
func New(t testing.TB) *rootfs.Kit {
	t.Helper()
	dir := t.TempDir()
	files := map[string][]byte{
		"linux/vmlinuz": bytes.Repeat([]byte("kernel"), 1000),
		"linux/release": []byte(Release + "\n"),
		"linux/lib/modules/" + Release + "/modules.builtin": []byte("kernel/fs/fat/vfat.ko\n" + algorithms),
		"base.cpio":                        bytes.Repeat([]byte{0}, 512),
		"bin/bootward-init":                []byte("init"),
		"bin/bootwardd":                    []byte("daemon"),
		"bin/bootward-agent":               []byte("agent"),
		"tools/usr/sbin/e2fsck":            []byte("fsck"),
		"tools/lib64/ld-linux-x86-64.so.2": []byte("loader"),
		"grub/core.img":                    bytes.Repeat([]byte{7}, 3000),
		"efi/linuxx64.efi.stub":            host(t, "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"),
		"efi/systemd-bootx64.efi":          host(t, "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
		"grub/i386-pc/boot.img":            host(t, "/usr/lib/grub/i386-pc/boot.img"),
	}
	for p, info := range Modules {
		files["linux/lib/modules/"+Release+"/"+p] = Module(info)
	}
	var list []rootfs.Material
	for p, data := range files {
		name := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		list = append(list, rootfs.Material{Path: p, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:]), Origin: "test"})
	}
	raw, err := json.Marshal(map[string]any{"format": rootfs.KitFormat, "version": "1.2.3", "files": list, "newer": "ignored"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kit.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := rootfs.OpenKit(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func host(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("%v: run scripts/deps", err)
	}
	return data
}

// Module is an ELF file with one section .modinfo that holds the fields of info.
func Module(info string) []byte {
	modinfo := []byte(strings.ReplaceAll(info, "|", "\x00") + "\x00")
	names := []byte("\x00.modinfo\x00.shstrtab\x00")
	const head, section = 64, 64
	var b bytes.Buffer
	le := binary.LittleEndian
	h := make([]byte, head)
	copy(h, "\x7fELF\x02\x01\x01")
	le.PutUint16(h[16:], 1)  // ET_REL
	le.PutUint16(h[18:], 62) // EM_X86_64
	le.PutUint32(h[20:], 1)
	le.PutUint64(h[40:], uint64(head+len(modinfo)+len(names))) // e_shoff
	le.PutUint16(h[52:], head)
	le.PutUint16(h[58:], section)
	le.PutUint16(h[60:], 3) // e_shnum
	le.PutUint16(h[62:], 2) // e_shstrndx
	b.Write(h)
	b.Write(modinfo)
	b.Write(names)
	write := func(name, kind uint32, offset, size int) {
		s := make([]byte, section)
		le.PutUint32(s, name)
		le.PutUint32(s[4:], kind)
		le.PutUint64(s[24:], uint64(offset))
		le.PutUint64(s[32:], uint64(size))
		b.Write(s)
	}
	write(0, 0, 0, 0)
	write(1, 1, head, len(modinfo))
	write(10, 3, head+len(modinfo), len(names))
	return b.Bytes()
}
