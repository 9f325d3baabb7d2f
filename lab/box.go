package lab

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/lab/machine"
)

// Sizes of disks, in bytes. The files are sparse.
const (
	boxData    = 8 << 30
	targetDisk = 6 << 30
)

// ready is what a box says on its console when it serves.
var ready = regexp.MustCompile(`bootward: ready after ([0-9.]+) s`)

// BuildFirmware makes the box's disk with its configuration and a one-time
// token, and an empty data disk.
func (l *Lab) BuildFirmware(ctx context.Context) error {
	l.show.Stage("Firmware of the box")
	token, err := query[api.EnrolToken](ctx, l, "box", "token", boxName)
	if err != nil {
		return err
	}
	dir := l.boxDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	seeds := map[string]string{"box.yaml": boxConfig(l.options.BoxPXE, l.segment.Gateway(), l.segment.Site()), "enrol.token": token.Token + "\n"}
	for name, text := range seeds {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
	}
	out, err := l.CLI(ctx, "firmware", "build", "--kit", l.options.Kit, "--board", board, "--parameters", parameters,
		"--box-config", filepath.Join(dir, "box.yaml"), "--enrol-token", filepath.Join(dir, "enrol.token"), "-o", filepath.Join(dir, "firmware.img"))
	if err != nil {
		return err
	}
	l.noteLines(out)
	return l.NewDataDisk()
}

// boxConfig is the box.yaml of a box on a segment: its address is the second, and those
// that it gives are .100 to .199, as those of the segment's own DHCP server.
func boxConfig(pxe string, gateway netip.Prefix, site netip.Addr) string {
	config := fmt.Sprintf("site: https://%s:8443\ninterfaces:\n", site)
	if pxe == BesideDHCP {
		return config + "  - {name: eth0, address: dhcp, pxe: proxy}\n"
	}
	base := gateway.Masked().Addr().As4()
	at := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{base[0], base[1], base[2], last}) }
	return config + fmt.Sprintf("  - {name: eth0, address: %s, gateway: %s, pxe: %s, range: {first: %s, last: %s, router: %[2]s}}\n",
		netip.PrefixFrom(at(2), gateway.Bits()), gateway.Addr(), pxe, at(100), at(199))
}

// NewDataDisk gives the box an empty data disk: what was on it is lost.
func (l *Lab) NewDataDisk() error { return blankDisk(filepath.Join(l.boxDir(), "data.img"), boxData) }

func (l *Lab) boxDir() string { return filepath.Join(l.options.Dir, boxName) }

// ChangeCard gives the box, which must be off, another network card: DHCP gives it another address.
func (l *Lab) ChangeCard(mac string) { l.boxMAC = mac }

// StartBox switches the box on.
func (l *Lab) StartBox(ctx context.Context) error {
	l.show.Stage("Box (" + l.options.BoxFirmware + ")")
	if err := l.segment.Tap(ctx, "box"); err != nil {
		return err
	}
	box, err := machine.Start(l.running, machine.Config{
		Name: boxName, Dir: l.boxDir(), Namespace: l.segment.Namespace(), Accel: l.accel,
		Firmware: l.options.BoxFirmware, BootOrder: machine.DiskFirst, MemoryMiB: 1024, CPUs: 2,
		Disks: []machine.Disk{
			{Path: filepath.Join(l.boxDir(), "firmware.img"), Format: machine.Raw, Bus: machine.VirtIO},
			{Path: filepath.Join(l.boxDir(), "data.img"), Format: machine.Raw, Bus: machine.VirtIO},
		},
		NICs:    []machine.NIC{{Tap: "box", MAC: l.boxMAC, Model: machine.VirtIO, NoROM: true}},
		Product: "Bootward box", Serial: "BOX7",
	}, l.log)
	if err != nil {
		return err
	}
	l.box = box
	return nil
}

// WaitBox waits until the box says that it is ready, and returns how long it
// took since power-on.
func (l *Lab) WaitBox(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, l.factor.Scale(5*time.Minute))
	defer cancel()
	stop := l.echo(ctx, l.box, ours)
	defer stop()
	line, err := l.box.WaitSerial(ctx, 0, ready)
	if err != nil {
		return 0, err
	}
	l.show.Note(fmt.Sprintf("%s serves, %.1f s after power-on, its own firmware included", l.box.Name(), line.At.Seconds()))
	return line.At, nil
}

// Box is the running box.
func (l *Lab) Box() *machine.Machine { return l.box }

// WaitConsole waits for a line of a machine's console, from line number from
// on; the deadline is stretched for this host.
func (l *Lab) WaitConsole(ctx context.Context, m *machine.Machine, from int, pattern string, deadline time.Duration) (machine.Line, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return machine.Line{}, fmt.Errorf("lab: pattern: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.factor.Scale(deadline))
	defer cancel()
	return m.WaitSerial(ctx, from, re)
}

// KillBox is a power cut.
func (l *Lab) KillBox(ctx context.Context) error {
	l.box.Kill()
	if err := ignoreKilled(l.box.Wait(ctx)); err != nil {
		return err
	}
	l.box = nil
	return nil
}

// echo shows the lines of a machine's console that match, until stop.
func (l *Lab) echo(ctx context.Context, m *machine.Machine, match *regexp.Regexp) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		shown := 0
		for {
			lines := m.Serial()
			for _, line := range lines[shown:] {
				if match.MatchString(line.Text) {
					l.show.Note(fmt.Sprintf("%s %6.1f s  %s", m.Name(), line.At.Seconds(), strings.TrimSpace(line.Text)))
				}
			}
			shown = len(lines)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

// ours matches the lines of Bootward's programs that are worth showing.
var ours = regexp.MustCompile(`(bootward|bootward-init|bootward-agent): `)

// steps matches the same and what the agent shows: where nobody follows the
// messages at the site, a person sees the steps by them.
var steps = regexp.MustCompile(ours.String() + `|(^|: )\[ *[0-9]+\.[0-9]\] \S`)

func blankDisk(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("blank disk: %w", err)
	}
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("blank disk %s: %w", path, err)
	}
	return f.Close()
}

// lines are the lines of an output that are not empty.
func lines(out []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" && !yield(line) {
				return
			}
		}
	}
}
