package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echoSector is a boot sector that says "WARD READY" on COM1, echoes what is typed, and resets on q.
func echoSector() []byte {
	code := []byte{
		0x31, 0xc0, 0x8e, 0xd8, 0xfa, // xor ax,ax; mov ds,ax; cli: SeaBIOS's own console would read COM1 too
		0xba, 0xf8, 0x03, 0xbe, 0x2d, 0x7c, // mov dx,COM1; mov si,text
		0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, // say: lodsb; until zero, out
		0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, // echo: wait for the line status
		0xba, 0xf8, 0x03, 0xec, 0x3c, 0x71, 0x74, 0x03, 0xee, 0xeb, 0xed, // read; q? else out, echo
		0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd, // reset by the keyboard controller; hlt
	}
	sector := make([]byte, 1<<20)
	copy(sector, code)
	copy(sector[0x2d:], "WARD READY\n\x00")
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

func echoMachine(t *testing.T) Config {
	c := valid()
	// A directory with a long name: a socket's own path would not fit.
	c.Dir = filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	disk := filepath.Join(t.TempDir(), "disk, with comma.img")
	if err := os.WriteFile(disk, echoSector(), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Disks = []Disk{{Path: disk, Format: Raw, Bus: AHCI}}
	c.MemoryMiB = 64
	return c
}

func TestMachineBootsResetsAndEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	m, err := Start(ctx, echoMachine(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ready := regexp.MustCompile("WARD READY$")
	first, err := m.WaitSerial(ctx, 0, ready)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := m.Status(ctx); err != nil || status != "running" {
		t.Errorf("status %q, %v", status, err)
	}
	if err := m.Type("typed\n"); err != nil {
		t.Fatal(err)
	}
	typed, err := m.WaitSerial(ctx, first.N+1, regexp.MustCompile("typed"))
	if err != nil {
		t.Fatal(err)
	}
	attachAndReset(ctx, t, m)
	if _, err := m.WaitEvent(ctx, 0, "RESET"); err != nil {
		t.Error(err)
	}
	if _, err := m.WaitSerial(ctx, typed.N+1, ready); err != nil {
		t.Error(err)
	}
	if err := m.Quit(ctx); err != nil && !errors.Is(err, errQMPClosed) {
		t.Error(err)
	}
	if err := m.Wait(ctx); err != nil {
		t.Error(err)
	}
	var names []string
	for e := range m.Watch(ctx) {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "RESET") || !strings.HasSuffix(got, "SHUTDOWN") {
		t.Errorf("events %q", got)
	}
	checkFiles(t, m)
}

// attachAndReset types q on a second connection to the console and leaves by the escape byte.
func attachAndReset(ctx context.Context, t *testing.T, m *Machine) {
	t.Helper()
	in, type_ := io.Pipe()
	var out bytes.Buffer
	done := make(chan error)
	go func() { done <- Attach(ctx, m.Dir(), in, &out) }()
	if _, err := type_.Write([]byte("q\x1dnever")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func checkFiles(t *testing.T, m *Machine) {
	t.Helper()
	for name, want := range map[string]string{logFile: "WARD READY\n", rawFile: "WARD READY\n", scriptFile: "exec \\\n"} {
		text, err := os.ReadFile(filepath.Join(m.Dir(), name))
		if name == scriptFile {
			want = "qemu-system-x86_64"
		}
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s holds %q, %v; want %q in it", name, text, err, want)
		}
	}
}

func TestMachineEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, err := Start(ctx, echoMachine(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pid := m.PID()
	cancel()
	if err := m.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("QEMU %d lives on: %v", pid, err)
	}
	if _, err := m.WaitSerial(t.Context(), 0, regexp.MustCompile("never")); err == nil || !strings.Contains(err.Error(), "went off") {
		t.Errorf("error %v, want that it went off", err)
	}
	m.Kill()
}

func TestStartSaysWhatQEMUSaid(t *testing.T) {
	c := echoMachine(t)
	c.Disks[0].Path = "/nowhere/disk.img"
	_, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "/nowhere/disk.img") || !strings.Contains(err.Error(), "machine ward") {
		t.Errorf("error %v, want machine and file named", err)
	}
}

func TestChooseAccel(t *testing.T) {
	// A device that opens is not enough: here it is no virtualisation at all, or none is there.
	for _, device := range []string{"/nowhere/kvm", "/dev/null"} {
		if _, err := os.Stat("/dev/kvm"); err == nil && device == "/dev/null" {
			continue
		}
		if got := chooseAccel(t.Context(), device, slog.New(slog.DiscardHandler)); got != TCG {
			t.Errorf("%s: %s, want tcg", device, got)
		}
	}
}

func TestCalibrate(t *testing.T) {
	factor, took, err := Calibrate(t.Context(), TCG, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("calibration boot %v, factor %.2f", took, factor)
	if took <= 0 || factor < 1 || factor > maxFactor {
		t.Errorf("boot %v, factor %v", took, factor)
	}
}
