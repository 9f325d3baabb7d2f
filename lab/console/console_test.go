package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// play shows the same work in one mode, on a clock of its own.
func play(mode Mode) string {
	var out bytes.Buffer
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := New(&out, mode, func() time.Time { return now })
	after := func(s float64) { now = now.Add(time.Duration(s * float64(time.Second))) }
	d.Progress(1, 2, Bytes) // before any stage: nothing
	d.Stage("Build the image")
	after(2)
	d.Progress(50<<20, 214<<20, Bytes)
	after(0.05)
	d.Progress(60<<20, 214<<20, Bytes) // too soon to be shown
	after(6)
	d.Progress(7, 0, "") // without a unit there is nothing to show
	d.Progress(0, 0, "files")
	after(1)
	d.Progress(150<<20, 214<<20, Bytes)
	after(6)
	d.Progress(216<<20, 214<<20, Bytes) // more than all
	d.Note("the image came from the cache")
	d.Check("no block of the disk was written")
	after(1)
	d.Stage("Boot the box, whose name is long enough that a line of it will not fit on eighty columns")
	after(61)
	d.Progress(7, 0, "files")
	d.Done(errors.New("box: no answer"))
	d.Done(nil)
	d.Stage("after the end")
	return out.String()
}

func TestForms(t *testing.T) {
	for _, mode := range []Mode{Terminal, Plain, JSON} {
		t.Run(string(mode), func(t *testing.T) {
			got := play(mode)
			golden(t, string(mode), got)
			for line := range strings.Lines(got) {
				switch mode {
				case Terminal:
					if n := len([]rune(line)); strings.Contains(line, "...") && !strings.Contains(line, "\x1b") && n > smallTerminal {
						t.Errorf("live line of %d columns: %q", n, line)
					}
				case JSON:
					if !json.Valid([]byte(line)) {
						t.Errorf("not JSON: %q", line)
					}
				}
			}
		})
	}
}

func TestModeFor(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if got := ModeFor(null, false); got != Plain {
		t.Errorf("no terminal: %s", got)
	}
	if got := ModeFor(null, true); got != JSON {
		t.Errorf("asked for JSON: %s", got)
	}
}

func TestProgressString(t *testing.T) {
	tests := []struct {
		p    Progress
		want string
	}{
		{Progress{Done: 512, Unit: Bytes}, "512 B"},
		{Progress{Done: 3 << 30, Total: 4 << 30, Unit: Bytes, Rate: 1 << 20}, "75%, 3.0 GiB of 4.0 GiB, 1.0 MiB/s, 1024 s left"},
		{Progress{Done: 9, Total: 3, Unit: "files", Rate: 2}, "100%, 9 files of 3 files, 2 files/s"},
	}
	for _, tt := range tests {
		if got := tt.p.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestTimeline(t *testing.T) {
	s := time.Second
	tests := map[string][]Row{
		"timeline": {
			{0, "ward-uefi", "power on"},
			{90 * s, "ward-uefi", "image applied"},
			{8200 * time.Millisecond, "ward-uefi", "DHCP offer"},
			{0, "ward-bios", "power on"},
			{200 * s, "ward-bios", "sequence complete, and a text that is " + strings.Repeat("far ", 30) + "too long to fit on a line"},
			{201 * s, "ward-uefi", "sequence complete"},
		},
		"timeline-empty": nil,
	}
	for name, rows := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := Timeline(&out, rows); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}
