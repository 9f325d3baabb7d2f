// Package agent runs a deployment on the target: in the boot image it finds its
// box, asks for a job and runs its sequence; in the installed system it goes on
// with the job and reports the end.
//
// It never erases a disk without a permit (package permit), believes nobody but
// boxes of the site whose anchor is built into the boot image, and changes
// nothing on a machine that has no job. Wire format: api/agent.go.
package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/tpm"
)

// Next is what the machine does when the agent has ended.
type Next string

// What can follow: PID 1 reads it in /run/bootward/next.
const (
	NextReboot Next = "reboot"
	NextDisk   Next = "disk"   // a restart after which the disk is to boot
	NextClient Next = "client" // the agent stays: its service is to be started
)

// Config is what both flows need.
type Config struct {
	// Run is the folder in memory: /run/bootward.
	Run string
	// Anchor is the file with the site's trust anchor, in the boot image.
	Anchor string
	// Executable is the agent's own program.
	Executable string
	// Root is the folder of the installed system: / outside of tests.
	Root string
	// CommandLine is that of the kernel.
	CommandLine string
	// Built is when this program was built: no clock is believed before it.
	Built   time.Time
	Console *console.Console
	// Screen says that the console is a terminal of its own, on which progress has a
	// place below the lines.
	Screen bool
	// Shell runs a shell on the console, for people; nil where there is none. It is
	// offered only where the job says so (CommandSupport).
	Shell func(ctx context.Context) error
	Mount machine.Mount
	// Tell says something to the people at an installed system; it may be nil.
	Tell func(text string)
	// TPM opens the TPM of the machine; nil: it is not used.
	TPM func() (*tpm.Device, error)

	// resident says that the agent is the client of an installed system, and
	// stays when a job ends.
	resident bool
}

// setting reads a setting of the kernel's command line: name=value.
func setting(commandLine, name string) string {
	for _, field := range strings.Fields(commandLine) {
		if v, ok := strings.CutPrefix(field, name+"="); ok {
			return v
		}
	}
	return ""
}

// seconds reads a setting that counts seconds, between 0 and a day.
func seconds(text string, otherwise time.Duration) time.Duration {
	var n int
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 0 || n > 86400 {
		return otherwise
	}
	return time.Duration(n) * time.Second
}

// Uptime is the time since power-on, as far as the kernel knows: its own start.
func Uptime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// loadAnchor reads the trust anchor of the boot image or of the job folder.
func loadAnchor(path string) (*trust.Anchor, []byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("trust anchor: %w", err)
	}
	a, err := trust.ParseAnchor(raw)
	return a, raw, err
}

// identity is how the machine names itself to its box.
func identity(m inventory.Machine) api.Identity {
	return api.Identity{MACs: m.MACs(), SMBIOSGUID: m.UUID, SerialNumber: m.SerialNumber,
		Manufacturer: m.Manufacturer, Model: m.Model, AssetTag: m.AssetTag, UEFI: m.UEFI, Inventory: &m}
}

// setClock puts the machine's clock right when it is off by more than two
// seconds: files of the deployed system are to have the right time.
func setClock(t time.Time, log *slog.Logger) {
	off := time.Until(t)
	if off.Abs() < 2*time.Second {
		return
	}
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		log.Warn("set the clock", "error", err)
		return
	}
	log.Info("the clock was set to the box's time", "off", off.Round(time.Second))
}
