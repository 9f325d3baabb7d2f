//go:build prove

package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	wim  = flag.String("wim", "", "image of a Debian to deploy, by absolute path")
	work = flag.String("work", "", "folder that keeps disks and transcripts, by absolute path")
)

// TestProve deploys to two blank disks inside a machine and boots each by its
// firmware to a login on the serial console:
//
//	go test -tags prove -timeout 40m -v ./agent/prove -args -wim W -work D
func TestProve(t *testing.T) {
	if *wim == "" || *work == "" {
		t.Fatal("name the image with -wim and a folder with -work")
	}
	kernel, initrd, helper := helperDisk(t)
	bios, uefi := filepath.Join(*work, "bios.img"), filepath.Join(*work, "uefi.img")
	for _, path := range []string{bios, uefi} {
		os.Remove(path)
		sh(t, "truncate", "-s", "4G", path)
	}
	attach := func(device, path, serial string) []string {
		id := "d" + serial
		return []string{"-drive", "if=none,id=" + id + ",format=raw,cache=unsafe,file=" + path, "-device", device + ",drive=" + id + ",serial=" + serial}
	}
	drive := func(path, serial string) []string { return attach("virtio-blk-pci", path, serial) }
	args := append(drive(helper, "helper"), append(drive(bios, "bios"), drive(uefi, "uefi")...)...)
	args = append(args, "-kernel", kernel, "-initrd", initrd, "-append", "root=/dev/vda rw init=/prove console=ttyS0 panic=-1")
	machine(t, "deploy", "PROVE done", 20*time.Minute, args)
	// The disks move to other controllers: nothing may depend on their names.
	machine(t, "bios", "PROOF-bios login:", 6*time.Minute, attach("ide-hd", bios, "bios"))
	vars := filepath.Join(*work, "vars.fd")
	sh(t, "cp", "/usr/share/OVMF/OVMF_VARS_4M.fd", vars)
	machine(t, "uefi", "PROOF-uefi login:", 6*time.Minute, append(attach("nvme", uefi, "uefi"),
		"-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd", "-drive", "if=pflash,format=raw,file="+vars))
}

func sh(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// helperDisk is a disk with the image's own Debian, wimlib, the image and the
// program of this folder.
func helperDisk(t *testing.T) (kernel, initrd, disk string) {
	t.Helper()
	tree, disk := filepath.Join(*work, "helper"), filepath.Join(*work, "helper.img")
	os.RemoveAll(tree)
	sh(t, "mkdir", "-p", tree)
	sh(t, "wimlib-imagex", "apply", *wim, "1", tree, "--unix-data")
	sh(t, "go", "build", "-tags", "prove", "-o", filepath.Join(tree, "prove"), ".")
	sh(t, "cp", *wim, filepath.Join(tree, "image.wim"))
	sh(t, "sh", "-c", `cp "$(command -v wimlib-imagex)" "$0"/usr/bin/; mkdir -p "$0/target"
		ldd "$(command -v wimlib-imagex)" | awk '$3 ~ /^\// {print $3}' | while read l; do test -e "$0/$l" || cp -L --parents "$l" "$0"; done`, tree)
	find := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(tree, "boot", pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		kept := filepath.Join(*work, filepath.Base(found[0]))
		sh(t, "cp", found[0], kept)
		return kept
	}
	kernel, initrd = find("vmlinuz-*"), find("initrd.img-*")
	os.Remove(disk)
	sh(t, "truncate", "-s", "2G", disk)
	sh(t, "mkfs.ext4", "-q", "-F", "-d", tree, disk)
	os.RemoveAll(tree)
	return kernel, initrd, disk
}

// machine runs a machine until its serial console prints want.
func machine(t *testing.T, name, want string, limit time.Duration, args []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	all := append([]string{"-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "1536", "-nographic", "-nodefaults", "-serial", "stdio", "-no-reboot", "-nic", "none"}, args...)
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", all...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	log, err := os.Create(filepath.Join(*work, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	var seen bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := out.Read(chunk)
		log.Write(chunk[:n])
		seen.Write(chunk[:n])
		if strings.Contains(seen.String(), want) {
			t.Logf("%s: %q after %.1f s", name, want, time.Since(began).Seconds())
			break
		}
		if strings.Contains(seen.String(), "PROVE failed") || err != nil {
			tail := seen.String()
			t.Fatalf("%s: %v; qemu-system-x86_64 %s\n…%s", name, err, strings.Join(all, " "), tail[max(0, len(tail)-3000):])
		}
	}
	for line := range strings.Lines(seen.String()) {
		if strings.Contains(line, "PROVE") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
