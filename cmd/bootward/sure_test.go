package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// typing is a terminal at which somebody typed a line.
func typing(t *testing.T, line string) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	if _, err := master.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
	return slave
}

// TestSure: what destroys is shown, and done when yes was typed at a terminal, or
// --yes was given.
func TestSure(t *testing.T) {
	r := newRig(t)
	there := func() bool {
		var o, e bytes.Buffer
		return run(t.Context(), newApp(strings.NewReader(""), &o, &e, r.getenv), []string{"computer", "show", "pc1"}) == exitDone
	}
	piped := func(string) *app { return &app{in: strings.NewReader("yes\n")} }
	typed := func(line string) *app { return &app{in: typing(t, line)} }
	for _, c := range []struct {
		name string
		a    *app
		args string
		code int
		says string
	}{
		{"yes", typed("yes"), "", exitDone, "is deleted"},
		{"yes in capitals", typed(" YES "), "", exitDone, "is deleted"},
		{"y", typed("y"), "", exitRefused, "yes was not typed"},
		{"no", typed("no"), "", exitRefused, "yes was not typed"},
		{"nothing", typed(""), "", exitRefused, "yes was not typed"},
		{"no terminal", piped("yes"), "", exitRefused, "standard input is no terminal"},
		{"no terminal, --yes", piped(""), "--yes", exitDone, "is deleted"},
		{"JSON", typed("yes"), "--json", exitUsage, "give --yes"},
		{"JSON, --yes", piped(""), "--json --yes", exitDone, `"deleted"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !there() {
				r.want(exitDone, "computer", "add", "pc1", "--mac", "52:54:00:00:00:01", "--no-replace")
			}
			var out, errs bytes.Buffer
			c.a.out, c.a.err, c.a.env = &out, &errs, r.getenv
			code := run(t.Context(), c.a, append([]string{"computer", "delete", "pc1"}, strings.Fields(c.args)...))
			said := out.String() + errs.String()
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit code %d, want %d; %q is not in:\n%s", code, c.code, c.says, said)
			}
			if asked := c.args == ""; asked != strings.Contains(errs.String(), `delete     Computer "pc1"  CEN`) {
				t.Errorf("shown before: %s", errs.String())
			}
			if there() != (code != exitDone) {
				t.Errorf("exit code %d, and the computer is there: %v", code, there())
			}
		})
	}
}

// TestSureRefusedBefore: nobody is asked about what will not be done.
func TestSureRefusedBefore(t *testing.T) {
	r := newRig(t)
	var out, errs bytes.Buffer
	a := newApp(typing(t, "yes"), &out, &errs, r.getenv)
	if code := run(t.Context(), a, []string{"computer", "delete", "nobody"}); code != exitFailed || strings.Contains(errs.String(), "Go on?") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}
