//go:build system

package systemtest

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab/machine"
	"github.com/bootward/bootward/lab/segment"
	"github.com/bootward/bootward/osd"
)

// bootRow is one way in which a machine asks to be booted.
type bootRow struct {
	firmware, nic string
	mode          string // modeProxy when empty
	http          bool   // UEFI HTTP Boot
	shim          bool   // policy says LoaderShim
	only32        bool   // a processor without long mode
	always        bool   // of the rows that `make test` runs
	image         string // architecture of the boot image; x64 when empty
	told          string // what says that it cannot be served; "" if it must boot
}

func (r bootRow) name() string {
	name := r.firmware
	for _, word := range []struct {
		on   bool
		text string
	}{{r.http, "http"}, {r.only32, "32"}, {true, r.nic}, {true, cmp.Or(r.mode, modeProxy)}} {
		if word.on {
			name += "-" + word.text
		}
	}
	return name
}

// The modes: beside a DHCP server that says nothing of network boot, beside one whose
// next-server names the box, and as the only DHCP server.
const (
	modeProxy = "proxy"
	modeNext  = "proxy-next"
	modeDHCP  = "dhcp"
)

// bootRows is every firmware with every network card and every mode that it can be had
// with in emulation, in pairs. Other cards than virtio have a boot ROM of QEMU, which is
// iPXE and not signed: with them UEFI boots by iPXE, and not at all with Secure Boot.
func bootRows() []bootRow {
	rows := []bootRow{
		{firmware: machine.UEFI, nic: machine.VirtIO, always: true},
		{firmware: machine.UEFI, nic: machine.VirtIO, mode: modeDHCP},
		{firmware: machine.UEFI, nic: machine.VirtIO, http: true, always: true},
		{firmware: machine.UEFI, nic: machine.VirtIO, http: true, mode: modeDHCP},
		{firmware: machine.UEFISecure, nic: machine.VirtIO, told: "Access Denied"}, // our UKI: nobody enrolled its key
		{firmware: machine.UEFISecure, nic: machine.VirtIO, shim: true, mode: modeNext},
		{firmware: machine.UEFISecure, nic: machine.VirtIO, shim: true, mode: modeDHCP, always: true},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, image: osd.ArchARM64},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, image: osd.ArchARM64, http: true, mode: modeDHCP},
		{firmware: machine.UEFIARM64, nic: machine.VirtIO, mode: modeDHCP, told: "there is no boot image for arm64"},
		{firmware: machine.UEFIIA32, nic: machine.VirtIO, told: "32-bit UEFI starts no 64-bit boot image"},
		{firmware: machine.BIOS, nic: machine.VirtIO, only32: true, always: true, told: "no 64-bit mode"},
	}
	for i, nic := range []string{machine.VirtIO, machine.E1000, machine.E1000E, machine.RTL8139, machine.VMXNET3} {
		modes := []string{modeProxy, modeDHCP}
		rows = append(rows, bootRow{firmware: machine.BIOS, nic: nic, mode: modes[i%2], always: i == 0})
		if nic != machine.VirtIO {
			rows = append(rows, bootRow{firmware: machine.UEFI, nic: nic, mode: modes[(i+1)%2]})
		}
	}
	return rows
}

// The segment of the rows, and how the inner run is told what to do.
const (
	bootSegment = "bootrows"
	bootTap     = "boot0"
	bootBox     = "10.77.0.2"
	envMode     = "BOOTWARD_BOOT_MODE"
	envTable    = "BOOTWARD_BOOT_TABLE"
	envRows     = "BOOTWARD_ROWS" // a regular expression over the names; "" for those of `make test`
)

// TestBoots starts machines at the real protocol servers of a box, one after the other,
// until the agent is started in them, and prints what asked and how long it took. It
// needs no site and no box: what those decide is given.
func TestBoots(t *testing.T) {
	if mode := os.Getenv(envMode); mode != "" {
		serveRows(t, mode)
		return
	}
	dir := filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "boots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "table.md")
	head := "| firmware | network card | mode | what asked | power-on to agent, s | result |\n|---|---|---|---|---|---|\n"
	if err := os.WriteFile(table, []byte(head), 0o644); err != nil {
		t.Fatal(err)
	}
	fmt.Print(head)
	for _, mode := range []string{modeProxy, modeNext, modeDHCP} {
		t.Run(mode, func(t *testing.T) {
			s := bootNetwork(t, mode)
			if mode != modeDHCP {
				if _, err := s.StartDHCP(t.Context(), filepath.Join(dir, "dhcp")); err != nil {
					t.Fatal(err)
				}
			}
			inner := exec.CommandContext(t.Context(), "ip", "netns", "exec", s.Namespace()+"-box", os.Args[0], "-test.run=^TestBoots$", "-test.v", "-test.timeout=60m")
			inner.Env = append(os.Environ(), envMode+"="+mode, envTable+"="+table)
			inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
			if err := inner.Run(); err != nil {
				t.Errorf("rows of mode %s: %v", mode, err)
			}
		})
	}
}

// bootNetwork is a segment with a host for the box's servers and a tap for machines.
func bootNetwork(t *testing.T, mode string) *segment.Segment {
	t.Helper()
	c := segment.Config{Name: bootSegment}
	if mode == modeNext {
		c.NextServer = netip.MustParseAddr(bootBox)
	}
	s, err := segment.Open(t.Context(), c, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	ns, box := s.Namespace(), s.Namespace()+"-box"
	t.Cleanup(func() {
		exec.Command("ip", "netns", "del", box).Run()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	exec.Command("ip", "netns", "del", box).Run() // of a run that was killed
	for _, args := range []string{
		"netns add " + box, "-n " + box + " link set lo up",
		"-n " + ns + " link add boxport type veth peer name eth0 netns " + box,
		"-n " + ns + " link set boxport master " + segment.Bridge + " up",
		"-n " + box + " addr add " + bootBox + "/24 dev eth0", "-n " + box + " link set eth0 up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	if err := s.Tap(t.Context(), bootTap); err != nil {
		t.Fatal(err)
	}
	return s
}

// chosen says whether a row is to run.
func (r bootRow) chosen(t *testing.T) bool {
	pattern := os.Getenv(envRows)
	if pattern == "" {
		return r.always
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatalf("%s: %v", envRows, err)
	}
	return re.MatchString(r.name())
}

var agentStarted = regexp.MustCompile(`started /bin/bootward-agent`)

// serveRows is the inner run, on the host of the box.
func serveRows(t *testing.T, mode string) {
	b := newBootBox(t, mode)
	for i, r := range bootRows() {
		if cmp.Or(r.mode, modeProxy) != mode || !r.chosen(t) {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), bootDeadline)
			defer cancel()
			b.row(ctx, t, i, r)
		})
	}
}
