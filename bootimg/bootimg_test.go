package bootimg_test

import (
	"bytes"
	"debug/pe"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/rootfs/kittest"
)

func build(t *testing.T) bootimg.Artifacts {
	t.Helper()
	a, err := bootimg.BuildLinux(t.Context(), kittest.New(t), bootimg.Options{SiteTrust: []byte(`{"site":"CEN"}`), CommandLine: "bootward.x=1", Board: kittest.Board(t)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestBuildLinux(t *testing.T) {
	a, again := build(t), build(t)
	if !bytes.Equal(a.UKI, again.UKI) || !bytes.Equal(a.Initrd, again.Initrd) {
		t.Error("same inputs, other bytes")
	}
	if !strings.HasSuffix(a.CommandLine, "bootward.role=target bootward.x=1") {
		t.Errorf("command line %q", a.CommandLine)
	}
	dir := t.TempDir()
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, bootimg.BOMName))
	if err != nil || !json.Valid(raw) || !bytes.Contains(raw, []byte("bin/bootward-agent")) || bytes.Contains(raw, []byte("bin/bootwardd")) {
		t.Errorf("bill of materials: %v", err)
	}
	if _, err := bootimg.BuildLinux(t.Context(), kittest.New(t), bootimg.Options{Board: kittest.Board(t)}); err == nil {
		t.Error("an image without a site's trust was made")
	}
}

func TestUKIReadByOthers(t *testing.T) {
	a := build(t)
	f, err := pe.NewFile(bytes.NewReader(a.UKI))
	if err != nil {
		t.Fatal(err)
	}
	end := uint32(0)
	for _, s := range f.Sections {
		if s.VirtualAddress < end {
			t.Errorf("section %s overlaps the one before", s.Name)
		}
		end = s.VirtualAddress + s.VirtualSize
	}
	if last := f.Sections[len(f.Sections)-1]; last.Name != ".linux" {
		t.Errorf("last section is %s", last.Name)
	}
	file := filepath.Join(t.TempDir(), "uki.efi")
	if err := os.WriteFile(file, a.UKI, 0o644); err != nil {
		t.Fatal(err)
	}
	for section, want := range map[string][]byte{".linux": a.Kernel, ".initrd": a.Initrd, ".cmdline": []byte(a.CommandLine)} {
		out := file + section
		if msg, err := exec.CommandContext(t.Context(), "objcopy", "--dump-section", section+"="+out, file, file+".copy").CombinedOutput(); err != nil {
			t.Fatalf("objcopy: %v: %s", err, msg)
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(bytes.TrimRight(got, "\x00"), bytes.TrimRight(want, "\x00")) {
			t.Errorf("section %s: %d bytes, want %d: %v", section, len(got), len(want), err)
		}
	}
}

func FuzzUKI(f *testing.F) {
	stub, err := os.ReadFile("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stub[:2048])
	f.Add([]byte("MZ"))
	s := bootimg.Sections{OSRelease: "ID=x\n", CommandLine: "q", Release: "6", Initrd: []byte{1}, Kernel: []byte{2}}
	f.Fuzz(func(t *testing.T, stub []byte) {
		if out, err := bootimg.UKI(stub, s); err == nil && len(out) < len(stub) {
			t.Fatal("the image is shorter than its stub")
		}
	})
}
