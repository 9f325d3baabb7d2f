//go:build system

package systemtest

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/process"
)

// captureRows are machines whose packets are kept in appliance/testdata/trace, one for each
// thing that a trace says of a machine, by BIOS and by UEFI where both can show it. Where
// UEFI fails by PXE it goes on by HTTP: those captures end before, or both ways fail.
func captureRows() []bootRow {
	const v, none = machine.VirtIO, "No bootable device"
	bios := func(what string, r bootRow) bootRow {
		r.firmware, r.nic, r.capture = machine.BIOS, v, "bios-"+what
		return r
	}
	uefi := func(what string, r bootRow) bootRow {
		r.firmware, r.nic, r.capture = cmp.Or(r.firmware, machine.UEFI), v, cmp.Or(r.firmware, machine.UEFI)+"-"+what
		return r
	}
	bothFail := `BdsDxe: failed to load Boot.*HTTPv4`
	return []bootRow{
		bios("complete", bootRow{ends: endAgent}),
		uefi("complete", bootRow{ends: endAgent}),
		uefi("http-complete", bootRow{http: true, ends: endAgent}),
		uefi("option-60", bootRow{mode: mode60, patience: "Station IP address", told: "sends option 60", ends: endAgain}),
		bios("other-server", bootRow{mode: modeRival, late: 3 * time.Second, told: "another PXE server", ends: none}),
		uefi("option-60-complete", bootRow{mode: modeBoth, says: "sends option 60", ends: endAgent}),
		bios("no-request", bootRow{mode: modeAlone, told: "as the row says", ends: none}),
		uefi("no-request", bootRow{mode: modeAlone, told: "as the row says", ends: bothFail}),
		bios("ignores-proxy", bootRow{mode: modeIgnore, told: "as the row says", ends: none}),
		bios("no-boot-image", bootRow{only32: true, told: "no 64-bit mode", ends: none}),
		uefi("no-boot-image", bootRow{firmware: machine.UEFIIA32, told: "32-bit UEFI starts no 64-bit boot image", ends: bothFail}),
		uefi("no-boot-image", bootRow{firmware: machine.UEFIARM64, told: "there is no boot image for arm64", ends: bothFail}),
		bios("file-missing", bootRow{lacks: true, told: "as the row says", ends: none}),
		uefi("file-missing", bootRow{lacks: true, told: "as the row says", ends: bothFail}),
		uefi("not-fetched", bootRow{mode: modeACL, told: "as the row says", ends: bothFail}),
		bios("not-started", bootRow{told: "as the row says", ends: `initrd\.\.\. ok`}), // and is switched off
		uefi("not-started", bootRow{firmware: machine.UEFISecure, told: "Access Denied", ends: "HTTPv4"}),
		bios("sent-on", bootRow{next: true}),
		uefi("sent-on", bootRow{next: true}),
		uefi("relayed", bootRow{mode: modeRelay, told: "as the row says", ends: "NBP file downloaded"}),
	}
}

// capturedPackets is what the box is asked, and the answers on DHCP: of a transfer its
// request alone, or it would be the boot image.
const capturedPackets = "udp port 67 or udp port 68 or udp port 4011 or udp dst port 69 or (tcp dst port 80 and tcp[((tcp[12]&0xf0)>>2):4]=0x47455420)"

// captureHere captures what passes this host's interface, until the function that it returns is called.
func captureHere(ctx context.Context, t *testing.T, file, filter string) (stop func() error) {
	t.Helper()
	ready := &readyWriter{seen: make(chan struct{})}
	p, err := process.Start(ctx, process.Spec{Name: "tcpdump", Stderr: ready,
		Args: []string{"tcpdump", "-i", "eth0", "-n", "-U", "--immediate-mode", "-B", "16384", "-Z", "root", "-w", file, filter}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-ready.seen:
	case <-p.Done():
		t.Fatalf("tcpdump ended: %s", ready.text.String())
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
	return func() error { return p.Stop(syscall.SIGINT, 10*time.Second) }
}

// readyWriter waits for tcpdump's word that it captures.
type readyWriter struct {
	once sync.Once
	text bytes.Buffer
	seen chan struct{}
}

func (w *readyWriter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if bytes.Contains(w.text.Bytes(), []byte("listening on")) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

// capturing writes what the box's link carries to FIRMWARE-WHAT.pcap until stop.
func capturing(ctx context.Context, t *testing.T, r bootRow) (stop func() error) {
	dir := os.Getenv(envCapture)
	if dir == "" {
		return func() error { return nil }
	}
	t.Helper()
	return captureHere(ctx, t, filepath.Join(dir, r.capture+".pcap"), capturedPackets)
}

// ends waits until what a capture is to show has come. Where the row says so, somebody
// presses the reset button before, at a line on the console.
func (b *bootBoxRig) ends(ctx context.Context, m *machine.Machine, r bootRow) error {
	if r.patience != "" {
		line, err := m.WaitSerial(ctx, 0, regexp.MustCompile(r.patience))
		if err == nil {
			err = m.Reset(ctx)
		}
		if err == nil {
			_, err = m.WaitSerial(ctx, line.N+1, regexp.MustCompile(r.patience))
		}
		if err != nil {
			return err
		}
	}
	switch r.ends {
	case "":
		return nil
	case endAgent:
		return b.until(ctx, m, r.ends, func() bool { return b.agent })
	case endAgain:
		return b.until(ctx, m, r.ends, func() bool { return b.tries > 1 })
	}
	_, err := m.WaitSerial(ctx, 0, regexp.MustCompile(r.ends))
	return err
}
