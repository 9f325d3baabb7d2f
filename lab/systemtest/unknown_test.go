//go:build system

package systemtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootward/bootward/lab"
	"github.com/bootward/bootward/lab/machine"
)

// strangers switches unknown computer support on, and offers them the sequence
// of the ward; nothing starts by itself. Nobody compares a code here.
const strangers = `kind: Box
name: ward7-box
pxe: {unknownComputers: true}
---
kind: Advertisement
name: Anybody may have Debian 12
collection: Unknown Computers
sequence: Ward PC, Debian 12
approval: none
`

// TestUnknownComputers takes four machine runs; `make soak` runs it. A machine
// that the site does not know waits for a person. When nobody comes it boots
// its disk and nothing was written; when a person chooses and types YES, it is
// deployed under the name that its box gives it.
func TestUnknownComputers(t *testing.T) {
	l, err := lab.Open(t.Context(), lab.Options{
		Kit: provided(t, "BOOTWARD_KIT"), Bin: provided(t, "BOOTWARD_BIN"), Cache: provided(t, "BOOTWARD_CACHE"),
		Dir: filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "systemtest-unknown"), Name: "strangers",
		Ward: "../../examples/ward", Out: os.Stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &ward{Lab: l}
	build(t, w)
	if _, err := w.Apply(t.Context(), "strangers.yaml", strangers); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{w.StartBox, waitBox(w)} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("nobody comes", func(t *testing.T) { nobodyComes(t, w) })
	t.Run("a person chooses", func(t *testing.T) { personChooses(t, w) })
}

func waitBox(w *ward) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := w.WaitBox(ctx)
		return err
	}
}

func nobodyComes(t *testing.T, w *ward) {
	from := len(w.Box().Serial())
	d, err := w.Start(t.Context(), lab.Target{Name: "stranger-1", Firmware: machine.UEFI, MAC: "52:54:00:77:00:91"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Machine.Kill()
	seen := 0
	for _, pattern := range []string{"press any key within", "nobody pressed a key", "Start PXE"} {
		line, err := w.WaitConsole(t.Context(), d.Machine, seen, pattern, 4*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		seen = line.N + 1
	}
	if _, err := w.WaitConsole(t.Context(), w.Box(), from, "mac=52:54:00:77:00:91.*outcome=silent", 2*time.Minute); err != nil {
		t.Fatalf("the box offers the screen again at once: %v", err)
	}
	if touched, err := d.Touched(); touched || err != nil {
		t.Fatalf("the disk was written to: %v, %v", touched, err)
	}
}

func personChooses(t *testing.T, w *ward) {
	d, err := w.Start(t.Context(), lab.Target{Name: "stranger-2", Firmware: machine.BIOS, MAC: "52:54:00:77:00:92"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Machine.Kill()
	if err := w.Converse(t.Context(), d.Machine, 4*time.Minute, lab.Consent()...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WaitConsole(t.Context(), w.Box(), 0, `id=11134 action="Apply Operating System"`, 6*time.Minute); err != nil {
		t.Fatal(err)
	}
}
