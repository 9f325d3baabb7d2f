package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty is a terminal with somebody at it.
func pty(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, terminal
}

// TestConsoles: what is written is on both terminals, single keys come from both without an
// echo, and at the end the terminals are as they were.
func TestConsoles(t *testing.T) {
	screen, tty0 := pty(t)
	serial, ttyS0 := pty(t)
	before, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	c, err := join([]*os.File{tty0, ttyS0})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		person *os.File
		key    string
	}{{screen, "y"}, {serial, "\x1b[24~"}} {
		if _, err := io.WriteString(at.person, at.key); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(at.key))
		if _, err := io.ReadFull(c.in(), got); err != nil || string(got) != at.key {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	const text = "a page"
	if n, err := io.WriteString(c.out(), text); err != nil || n != len(text) {
		t.Fatal(n, err)
	}
	for _, person := range []*os.File{screen, serial} {
		got := make([]byte, 100)
		if n, err := person.Read(got); err != nil || string(got[:n]) != text {
			t.Errorf("on a terminal: %q, %v", got[:n], err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	after, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil || !bytes.Equal(fmt.Append(nil, *before), fmt.Append(nil, *after)) {
		t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
	}
}

// TestStop: Ctrl-S and Ctrl-Q are keys like others, and hold up nothing that is written, also
// where Ctrl-S came before; the terminal gets its flow control back at the end.
func TestStop(t *testing.T) {
	const stop, goOn = "\x13", "\x11"
	person, tty := pty(t)
	flow := func() uint32 {
		now, err := unix.IoctlGetTermios(int(person.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return now.Iflag & (unix.IXON | unix.IXOFF)
	}
	before := flow()
	if before&unix.IXON == 0 {
		t.Fatal("a new terminal has no flow control: there is nothing to see here")
	}
	if _, err := io.WriteString(person, stop); err != nil { // somebody leant on the keyboard as it booted
		t.Fatal(err)
	}
	c, err := join([]*os.File{tty})
	if err != nil {
		t.Fatal(err)
	}
	if got := flow(); got != 0 {
		t.Errorf("flow control %#x", got)
	}
	for _, keys := range []string{"x", stop, goOn + stop} {
		if _, err := io.WriteString(person, keys); err != nil {
			t.Fatal(err)
		}
		if err := c.keys.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		// The kernel may come to the first Ctrl-S only now, and hand it on as a key.
		for got := []byte{}; strings.TrimLeft(string(got), stop) != strings.TrimLeft(keys, stop) || len(got) < len(keys); {
			b := make([]byte, 1)
			if _, err := c.in().Read(b); err != nil {
				t.Fatalf("keys %q instead of %q: %v", got, keys, err)
			}
			got = append(got, b...)
		}
		if _, err := io.WriteString(c.out(), "a page"); err != nil {
			t.Fatal(err)
		}
		shown := make([]byte, 100)
		if err := person.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := person.Read(shown); err != nil || string(shown[:n]) != "a page" {
			t.Fatalf("behind %q: %q, %v", keys, shown[:n], err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if got := flow(); got != before {
		t.Errorf("flow control was %#x and is %#x", before, got)
	}
}

// TestSized: a serial line gets a size, and a terminal that has one keeps it.
func TestSized(t *testing.T) {
	_, serial := pty(t)
	sized(serial)
	if got, err := unix.IoctlGetWinsize(int(serial.Fd()), unix.TIOCGWINSZ); err != nil || got.Row != 24 || got.Col != 80 {
		t.Errorf("%+v, %v", got, err)
	}
	_, wide := pty(t)
	if err := unix.IoctlSetWinsize(int(wide.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 132}); err != nil {
		t.Fatal(err)
	}
	sized(wide)
	if got, err := unix.IoctlGetWinsize(int(wide.Fd()), unix.TIOCGWINSZ); err != nil || got.Row != 50 || got.Col != 132 {
		t.Errorf("%+v, %v", got, err)
	}
}
