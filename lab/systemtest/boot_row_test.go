//go:build system

package systemtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootward/bootward/lab/machine"
)

// row switches one machine on, waits until its agent is started or it is told why it
// is not, and adds a line to the table.
func (b *bootBoxRig) row(ctx context.Context, t *testing.T, n int, r bootRow) {
	b.prepare(ctx, t, r)
	stop := capturing(ctx, t, r)
	m, err := b.powerOn(ctx, t, n, r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		m.Kill()
		<-m.Done()
	}()
	took, result, err := b.outcome(ctx, m, r)
	if err == nil && r.says != "" {
		err = b.until(ctx, m, "words of another server: "+r.says, b.says(r.says))
	}
	if err == nil {
		err = b.ends(ctx, m, r)
	}
	if err != nil {
		result = "FAILED"
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.mu.Lock()
	asked := strings.Join(b.asked, ", then ")
	b.mu.Unlock()
	if asked == "" {
		t.Error("the machine asked nothing")
	}
	firmware, rest, _ := strings.Cut(r.name(), "-"+r.nic+"-")
	b.write(t, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", firmware, r.nic, rest, asked, took, result))
}

func (b *bootBoxRig) powerOn(ctx context.Context, t *testing.T, n int, r bootRow) (*machine.Machine, error) {
	dir := filepath.Join(b.dir, r.name())
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	c := r.config(n, dir)
	if r.next {
		c.Disks = []machine.Disk{{Path: b.nextDisk(t, r), Format: machine.Raw, Bus: machine.VirtIO, Snapshot: true}}
	}
	return machine.Start(ctx, c, b.log)
}

// config is the machine of a row, the nth.
func (r bootRow) config(n int, dir string) machine.Config {
	return machine.Config{
		Name: r.name(), Dir: dir, Namespace: "bw-" + bootSegment, Firmware: r.firmware, Only32Bit: r.only32, HTTPBoot: r.http,
		BootOrder: machine.NetworkFirst, MemoryMiB: 1536, CPUs: 2, NoReboot: r.patience == "",
		NICs: []machine.NIC{{Tap: bootTap, MAC: fmt.Sprintf("52:54:00:77:02:%02x", n), Model: r.nic,
			NoROM: r.firmware != machine.BIOS && r.nic == machine.VirtIO}},
	}
}

// outcome is the time from power-on to the agent, "-" when the machine was told or sent
// on, and what became of it.
func (b *bootBoxRig) outcome(ctx context.Context, m *machine.Machine, r bootRow) (took, result string, err error) {
	switch {
	case r.next:
		result, err = b.sentOn(ctx, m)
		return "-", result, err
	case r.windows:
		line, err := m.WaitSerial(ctx, 0, standInHas)
		return "-", "first file started; it " + strings.TrimPrefix(line.Text, "stand-in: "), err
	case r.told == "":
		return r.booted(ctx, m)
	case r.only32 || r.firmware == machine.UEFISecure: // on its screen
		_, err = m.WaitSerial(ctx, 0, regexp.MustCompile(regexp.QuoteMeta(r.told)))
	default:
		err = b.until(ctx, m, "it was told "+r.told, b.says(r.told))
	}
	return "-", "told: " + r.told, err
}

// booted is how long its agent took. Where another server may have been faster, the
// machine may end without.
func (r bootRow) booted(ctx context.Context, m *machine.Machine) (took, result string, err error) {
	end := agentStarted
	if r.race {
		end = regexp.MustCompile(agentStarted.String() + "|No bootable device")
	}
	line, err := m.WaitSerial(ctx, 0, end)
	took, result = fmt.Sprintf("%.1f", line.At.Seconds()), "agent started"
	if err == nil && !agentStarted.MatchString(line.Text) {
		took, result = "-", "the other server was faster"
	}
	if r.says != "" {
		result += "; of that one: " + r.says
	}
	return took, result, err
}

func (b *bootBoxRig) write(t *testing.T, line string) {
	fmt.Print(line)
	f, err := os.OpenFile(os.Getenv(envTable), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(line)
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		t.Error(err)
	}
}
