//go:build system

package systemtest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/bootward/bootward/lab"
	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/segment"
)

// ward is the lab of one test, and what its steps hand on.
type ward struct {
	*lab.Lab
	dir     string           // what the run leaves behind
	running context.Context  // of the whole test
	capture *segment.Capture // of the whole test
	percent int              // of the content, when the box was killed
	blob    string           // that was corrupted
}

// TestWard takes eight machine runs: the calibration, the box three times, the
// two targets of the example, and two machines that must get nothing.
func TestWard(t *testing.T) {
	dir := filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "systemtest")
	l, err := lab.Open(t.Context(), lab.Options{
		Kit: provided(t, "BOOTWARD_KIT"), Bin: provided(t, "BOOTWARD_BIN"), Cache: provided(t, "BOOTWARD_CACHE"),
		Dir: dir, Name: "systest", Ward: wardWithSecret(t), BoxFirmware: machine.BIOS, Out: os.Stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &ward{Lab: l, dir: dir, running: t.Context()}
	for _, step := range []struct {
		name string
		run  func(*testing.T, *ward)
	}{
		{"site and firmware from nothing", build},
		{"a secret is set", setSecret},
		{"box loses power during the sync and goes on where it was", powerCut},
		{"unknown machine is not offered anything", unknownMachine},
		{"UEFI target, a damaged file on the box, the site gone in the middle", damagedAndCutOff},
		{"BIOS target that boots from the network first, with another card", networkFirst},
		{"the secret that the sequence used is nowhere", secretIsNowhere},
		{"after the box lost its data every grant counts as used", lostData},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, w) }) {
			return
		}
	}
}

// provided is what the Makefile gives.
func provided(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run this test by `make system`", name)
	}
	return value
}

func build(t *testing.T, w *ward) {
	for _, step := range []func(context.Context) error{w.Image, w.Site, w.BuildFirmware} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

var contentPercent = regexp.MustCompile(`content +([0-9]+) % of ([0-9.]+) MB`)

// powerCut pulls the plug of the box while it fetches, and switches it on again.
func powerCut(t *testing.T, w *ward) {
	if err := w.StartBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	line, err := w.WaitConsole(t.Context(), w.Box(), 0, `content +([3-9][0-9]) % of [0-9.]+ MB`, 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.percent = percent(t, line)
	if err := w.KillBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	var kept int64
	if w.blob, kept, err = w.CorruptBlob(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.StartBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if line, err = w.WaitConsole(t.Context(), w.Box(), 0, contentPercent.String()+`|content +complete`, 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	// What the kernel had not written when the power went is lost, and no fault of the box.
	if m := contentPercent.FindStringSubmatch(line.Text); m != nil {
		at, errAt := strconv.Atoi(m[1])
		megabytes, errAll := strconv.ParseFloat(m[2], 64)
		const anew = 5 // percent; below, it began from nothing, also where no other file was whole
		if least := max(int(float64(kept)/1e6/megabytes*100)-1, anew); errAt != nil || errAll != nil || at < least {
			t.Errorf("the box had %d %% when it lost power, at least %d %% of it safe on its disk, and began again at %q", w.percent, least, line.Text)
		}
	}
	if _, err := w.WaitBox(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func percent(t *testing.T, line machine.Line) int {
	t.Helper()
	n, err := strconv.Atoi(contentPercent.FindStringSubmatch(line.Text)[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// unknownMachine asks, is not answered, and the console says why.
func unknownMachine(t *testing.T, w *ward) {
	refused(t, w, lab.Target{Name: "stranger", Firmware: machine.BIOS, MAC: "52:54:00:77:00:99"}, "not known")
}

// refused starts a machine that must get nothing: the box says why, and sends
// neither a boot file nor content.
func refused(t *testing.T, w *ward, target lab.Target, why string) {
	t.Helper()
	from := len(w.Box().Serial())
	d, err := w.Start(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WaitConsole(t.Context(), w.Box(), from, "mac="+target.MAC+".*outcome=silent.*"+why, 2*time.Minute); err != nil {
		t.Fatalf("the box did not say that it is silent because of %q: %v", why, err)
	}
	// The firmware gives up by itself: until then nothing may have come.
	if _, err := w.WaitConsole(t.Context(), d.Machine, 0, lab.GaveUp, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	d.Machine.Kill()
	for _, line := range w.Sent(from) {
		t.Errorf("the box sent something: %s", line)
	}
}

// damagedAndCutOff deploys while a file on the box is damaged, which must be
// fetched again, and ends while the site is away.
func damagedAndCutOff(t *testing.T, w *ward) {
	from := len(w.Box().Serial())
	d, err := w.Start(t.Context(), lab.Ward()[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WaitConsole(t.Context(), w.Box(), from, "damaged.*"+w.blob, 5*time.Minute); err != nil {
		t.Fatalf("the damaged file was not found out: %v", err)
	}
	line, err := w.WaitConsole(t.Context(), w.Box(), from, "fetched and verified", 2*time.Minute)
	if err != nil {
		t.Fatalf("the damaged file was not fetched again: %v", err)
	}
	w.StopSite()
	if _, err := w.WaitConsole(t.Context(), w.Box(), line.N, `msg=status.*id=11143`, 12*time.Minute); err != nil {
		t.Fatalf("the deployment did not end while the site was away: %v", err)
	}
	if err := w.StartSite(t.Context()); err != nil {
		t.Fatal(err)
	}
	deployed(t, w, d)
}

// deployed checks that the target reported from inside, once for each message,
// and that its disk is that of the source.
func deployed(t *testing.T, w *ward, d *lab.Deployment) {
	t.Helper()
	if err := w.Follow(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := lab.Delivered(d.Messages); err != nil {
		t.Errorf("%s: %v", d.Target.Name, err)
	}
	usedSecret(t, d.Messages)
	if err := w.Verify(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// networkFirst asks the box again at each restart; it runs its sequence once.
func networkFirst(t *testing.T, w *ward) {
	target := lab.Ward()[1]
	target.BootOrder, target.NIC, target.Bus = machine.NetworkFirst, machine.E1000, machine.AHCI
	d, err := w.Start(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	deployed(t, w, d)
}

// lostData gives the box an empty data disk. It has to enrol again, and what
// was granted to its earlier state is good for nothing.
func lostData(t *testing.T, w *ward) {
	if err := w.KillBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.BuildFirmware(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.StartBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WaitBox(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, w, lab.Ward()[1], "earlier state")
}
