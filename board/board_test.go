package board

import (
	"errors"
	"strings"
	"testing"
)

func TestEveryBuiltInBoardLoads(t *testing.T) {
	names := Names()
	if len(names) < 2 {
		t.Fatalf("boards: %v", names)
	}
	for _, name := range names {
		b, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		console := map[string]string{X86: "console=ttyS0,115200", ARM64: "console=ttyAMA0,115200"}[b.Architecture]
		if got := b.KernelCommandLine("bootward.role=box"); !strings.Contains(got, console) || !strings.HasSuffix(got, "bootward.role=box") {
			t.Errorf("%s: command line %q", name, got)
		}
		if !b.Boots("uefi") || b.Boots("bios") != (b.Architecture == X86) {
			t.Errorf("%s: boots by %v", name, b.Firmware)
		}
	}
}

func TestLoadUnknown(t *testing.T) {
	if _, err := Load("toaster"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "qemu-x86_64") {
		t.Fatalf("got %v", err)
	}
}

const good = `name: x
description: d
architecture: x86_64
firmware: [bios]
kernel: amd64
consoles: [tty0]
commandLine: [quiet]
modules: [ext4, vfat]
disk: {style: gpt, biosBoot: 1MiB, esp: 512MiB}
`

func TestParseRefuses(t *testing.T) {
	if _, err := Parse(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "kernel:", "kernle: x\nkernel:", "kernle"},
		{"twice", "[ext4, vfat]", "[ext4, ext4]", "twice"},
		{"esp", "512MiB", "8MiB", "disk.esp"},
		{"unit", "512MiB", "512M", "KiB, MiB or GiB"},
		{"architecture", "x86_64", "riscv64", "neither x86_64 nor arm64"},
		{"kernel", "kernel: amd64", "kernel: arm64", "only amd64"},
		{"bios on arm64", "x86_64", "arm64", "bios: arm64 has none"},
		{"firmware", "[bios]", "[coreboot]", "firmware"},
		{"space", "[quiet]", `["a b"]`, "without spaces"},
		{"style", "style: gpt", "style: mbr", "disk.style"},
		{"module", "[ext4, vfat]", "[ext4, ../x]", "modules[1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(strings.Replace(good, c.from, c.to, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("modules: [")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Parse(strings.NewReader(text))
		if err == nil && (b.Name == "" || b.Disk.ESP < smallestESP) {
			t.Fatalf("accepted %+v", b)
		}
	})
}
