package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal is both ends of one that is nobody's controlling terminal, like
// the console of a box.
func pseudoTerminal(t *testing.T) (outside, inside *os.File) {
	t.Helper()
	open := func(path string) *os.File {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), path)
		t.Cleanup(func() { f.Close() })
		return f
	}
	outside = open("/dev/ptmx")
	n, err := unix.IoctlGetInt(int(outside.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(outside.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return outside, open(fmt.Sprintf("/dev/pts/%d", n))
}

// TestTerminalIsLeftAsItWas: keys come one by one, Ctrl-C is one of them, nothing
// is echoed, lines still end as the terminal wants; afterwards all is as before.
func TestTerminalIsLeftAsItWas(t *testing.T) {
	outside, inside := pseudoTerminal(t)
	before, err := unix.IoctlGetTermios(int(inside.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	term := openTerminal(inside, inside, inside)
	if term.keyboard == nil || term.console != term.log {
		t.Fatalf("%+v: a terminal was not recognised", term)
	}
	if _, err := outside.Write([]byte{'x', 3}); err != nil {
		t.Fatal(err)
	}
	keys := make([]byte, 2)
	if _, err := io.ReadFull(term.keyboard, keys); err != nil || string(keys) != "x\x03" {
		t.Errorf("keys %q, %v", keys, err)
	}
	fmt.Fprint(term.console, "line\n")
	shown := make([]byte, 6)
	if _, err := io.ReadFull(outside, shown); err != nil || string(shown) != "line\r\n" {
		t.Errorf("shown %q, %v", shown, err)
	}
	if err := term.restore(); err != nil {
		t.Fatal(err)
	}
	after, err := unix.IoctlGetTermios(int(inside.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("left as %+v, was %+v, %v", after, before, err)
	}
}

// TestServiceHasNoKeyboard: where standard input is no terminal, output stays as
// it is given.
func TestServiceHasNoKeyboard(t *testing.T) {
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out, log bytes.Buffer
	if term := openTerminal(in, &out, &log); term.keyboard != nil || term.console != &out || term.log != &log || term.restore() != nil {
		t.Errorf("%+v", term)
	}
}
