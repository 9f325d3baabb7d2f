package wizard

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/keys"
)

func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	got, file := strings.Join(lines, "\n")+"\n", "testdata/"+name+".golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
	for _, l := range lines {
		if len([]rune(l)) > Width {
			t.Errorf("%d columns: %q", len(l), l)
		}
	}
}

func TestProgress(t *testing.T) {
	golden(t, "progress", Progress{Sequence: "Ward PC, Debian 12", Steps: 12, Number: 4, Group: "Install Operating System", Step: "Apply Operating System",
		Done: 1 << 30, Total: 4 << 30, Rate: 50 << 20, Elapsed: 125 * time.Second}.Panel())
	golden(t, "progress-unknown", Progress{Sequence: strings.Repeat("Long name ", 12), Steps: 12, Number: 12, Step: strings.Repeat("long ", 30), Done: 5 << 20, Elapsed: 2 * time.Hour}.Panel())
	for _, tt := range []struct {
		p    Progress
		want int64
	}{
		{Progress{}, 0}, {Progress{Steps: 4, Number: 1}, 0}, {Progress{Steps: 4, Number: 3}, 500}, {Progress{Steps: 4, Number: 3, Done: 1, Total: 2}, 625},
		{Progress{Steps: 4, Number: 4, Done: 9, Total: 2}, 1000}, {Progress{Steps: 4, Number: 9}, 1000},
	} {
		if got := tt.p.overall(); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.p, got, tt.want)
		}
	}
}

var broken = Failure{About: about, Step: 5, Steps: 12, Action: "Apply Operating System", Group: "Install Operating System", ExitCode: 16389,
	Output: "wimlib: write /target/usr/share/doc/x\nnot enough space; make the volume larger or choose a larger disk", Log: "/run/bootward/job/smsts.log, and SMSTSLog on the target's volume",
	Retry: true, Shell: true, Ends: 15 * time.Minute}

func TestFailure(t *testing.T) {
	golden(t, "failure", broken.Lines())
	plain := Failure{ExitCode: -1, Output: strings.Repeat("a line of output that says nothing\n", 40) + "and the last one", Log: "/run/bootward/job/smsts.log", Ends: time.Second,
		Note: "the box does not let it be tried again: a newer job of this machine has begun"}
	golden(t, "failure-plain", plain.Lines())
	for _, tt := range []struct {
		f    Failure
		k    keys.Key
		want Choice
	}{
		{broken, 'r', Again}, {plain, 'r', None}, {broken, keys.F8, Shell}, {plain, keys.F8, None}, {plain, 'L', Log}, {plain, keys.Enter, Restart}, {broken, 'x', None}, {broken, keys.Escape, None},
	} {
		if got := tt.f.Press(tt.k); got != tt.want {
			t.Errorf("key %q: %d, want %d", tt.k, got, tt.want)
		}
	}
}

func TestPager(t *testing.T) {
	var text []string
	for range 50 {
		text = append(text, "a line of the log")
	}
	text[49] = "the last line"
	p := NewPager(strings.Join(text, "\n") + "\n")
	if got := strings.Join(p.Lines(about), "\n"); !strings.Contains(got, "the last line") || !strings.Contains(got, "Page 3 of 3") {
		t.Errorf("got\n%s", got)
	}
	for k, want := range map[keys.Key]string{keys.PageDown: "Page 3", 'b': "Page 2", keys.PageUp: "Page 2"} {
		p := NewPager(strings.Join(text, "\n"))
		if got := strings.Join(p.Lines(about), "\n"); !p.Press(k) || !strings.Contains(strings.Join(p.Lines(about), "\n"), want) {
			t.Errorf("%q: %s", k, got)
		}
	}
	if p.Press(keys.Escape) || len(NewPager("").Lines(about)) != Height {
		t.Error("the reader cannot leave")
	}
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		code int
		said string
		want string
	}{
		{16389, "write: No space left on device", "not enough room"},
		{16389, `box: Get "https://10.77.0.2/v1/blobs/x": dial tcp 10.77.0.2:443: connect: no route to host`, "could not be reached"},
		{16389, "the machine stopped while this step was running, and the step is not marked rerunnable", "power was cut"},
		{1, "net ads join: NT_STATUS_LOGON_FAILURE", "was not accepted"},
		{16389, "the system has no GRUB for i386-pc", "boot loader"},
		{16389, "the step took longer than its time limit of 1m0s", "time limit"},
		{127, "", "does not exist"}, {-2147024891, "", "may not do that"}, {137, "", "memory"}, {3, "no luck", ""},
		{16389, `image file "x.wim": status 404 Not Found`, "not at the box"},
	} {
		got := Explain(tt.code, tt.said)
		if tt.want == "" && got != (Cause{}) || !strings.Contains(got.Why, tt.want) || (got.Why == "") != (got.Remedy == "") {
			t.Errorf("%d, %q: %+v", tt.code, tt.said, got)
		}
	}
}
