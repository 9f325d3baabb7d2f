package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk gives the box a disk that is too small for its content. It says
// how much was needed, to the technician and to the site, goes on serving what
// it has, and is ready by itself when there is room.
func TestFullDisk(t *testing.T) {
	r := newRig(t)
	mountSmall(t, r.dir)
	console := r.startBox()
	r.eventually("the console says what is missing", func() error {
		if text := console.String(); !strings.Contains(text, "needed") && !strings.Contains(text, "needs") {
			return errors.New(text)
		}
		return nil
	})
	r.eventually("the site knows it", func() error {
		boxes, err := r.site.Boxes(t.Context(), "ann")
		if err != nil || len(boxes) != 1 || boxes[0].CheckIn == nil {
			return fmt.Errorf("%d boxes, %w", len(boxes), err)
		}
		if c := boxes[0].CheckIn; c.Ready || !strings.Contains(c.Error, "free") {
			return fmt.Errorf("ready %v, error %q", c.Ready, c.Error)
		}
		return nil
	})
	r.eventually("boot files are served", func() error {
		// The boot image is the first object that the rig imports; the first of all is ann.
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/boot/CEN00002/uki.efi", r.ports[0]))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
	if err := syscall.Mount("tmpfs", r.dir, "tmpfs", syscall.MS_REMOUNT, "size=128m"); err != nil {
		t.Fatal(err)
	}
	r.ready()
	r.stopBox()
}

// mountSmall makes a file system that holds the boot image beside what the
// store keeps free for others (64 MiB), and not the operating system image.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=67m"); err != nil {
		t.Fatalf("mount tmpfs (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
