//go:build system

package systemtest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/bootward/bootward/osd"
)

// The segment of the rows, and how the inner run is told what to do.
const (
	bootSegment = "bootrows"
	bootTap     = "boot0"
	bootBox     = "10.77.0.2"
	envMode     = "BOOTWARD_BOOT_MODE"
	envTable    = "BOOTWARD_BOOT_TABLE"
	envCapture  = "BOOTWARD_CAPTURE" // a folder: the rows of captures in place of the others
	envRows     = "BOOTWARD_ROWS"    // a regular expression over the names; "" for those of `make test`
)

// TestBoots starts machines at the real protocol servers of a box, one after the other,
// until the agent is started in them, and prints what asked and how long it took. It
// needs no site and no box: what those decide is given.
func TestBoots(t *testing.T) {
	if mode := os.Getenv(envMode); mode != "" {
		serveRows(t, mode)
		return
	}
	dir := bootsDir(t)
	if err := os.RemoveAll(imageDir(t)); err != nil { // of another run
		t.Fatal(err)
	}
	table := filepath.Join(dir, "table.md")
	head := "| firmware | network card | mode | what asked | power-on to agent, s | result |\n|---|---|---|---|---|---|\n"
	if err := os.WriteFile(table, []byte(head), 0o644); err != nil {
		t.Fatal(err)
	}
	fmt.Print(head)
	for _, mode := range bootModes() {
		if !slices.ContainsFunc(rowsToRun(), func(r bootRow) bool { return r.in(mode.name) && r.chosen(t) }) {
			continue
		}
		t.Run(mode.name, func(t *testing.T) {
			s := bootNetwork(t, mode)
			inner := exec.CommandContext(t.Context(), "ip", "netns", "exec", s.Namespace()+"-box", os.Args[0], "-test.run=^TestBoots$", "-test.v", "-test.timeout=60m")
			inner.Env = append(os.Environ(), envMode+"="+mode.name, envTable+"="+table)
			inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
			if err := inner.Run(); err != nil {
				t.Errorf("rows of mode %s: %v", mode.name, err)
			}
		})
	}
}

// bootsDir is where machines and servers of the rows have their files.
func bootsDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(provided(t, "BOOTWARD_CACHE"), "..", "boots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rowsToRun are the rows, or those of captures.
func rowsToRun() []bootRow {
	if os.Getenv(envCapture) != "" {
		return captureRows()
	}
	return bootRows()
}

// arch is the architecture of the boot image.
func (r bootRow) arch() string { return cmp.Or(r.image, osd.ArchX64) }

func (r bootRow) in(mode string) bool { return cmp.Or(r.mode, modeProxy) == mode }

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
	for i, r := range rowsToRun() {
		if !r.in(mode) || !r.chosen(t) {
			continue
		}
		t.Run(r.name(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), bootDeadline)
			defer cancel()
			b.row(ctx, t, i, r)
		})
	}
}
