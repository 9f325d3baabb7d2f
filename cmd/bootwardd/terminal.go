package main

import (
	"fmt"
	"io"
	"os"

	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// terminal is where the box shows itself, and where somebody may type.
type terminal struct {
	console, log io.Writer
	keyboard     io.Reader // nil: nobody can type
	restore      func() error
}

// openTerminal prepares the console. Where standard input is a terminal, keys are
// read one by one, and console and log share a screen that keeps the line whole
// that somebody types. Elsewhere, as a service, everything is as it is given.
func openTerminal(in *os.File, out, log io.Writer) terminal {
	plain := terminal{console: out, log: log, restore: func() error { return nil }}
	restore, ok := keyByKey(in)
	if !ok {
		return plain
	}
	screen := serialconsole.NewScreen(out)
	t := terminal{console: screen, log: log, keyboard: in, restore: restore}
	if f, ok := log.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		t.log = screen // the same terminal
	}
	return t
}

// keyByKey makes single keys readable without an echo; the output stays as it is.
// False where the file is no terminal, or where nobody may read it: a service that
// runs in the background of somebody's shell.
//
// On a box's own console Ctrl-C is a key as any other: it has no process group
// that a signal could go to. In a shell it ends the program, as it does others.
func keyByKey(in *os.File) (restore func() error, ok bool) {
	fd := int(in.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, false
	}
	t := *old
	t.Lflag &^= unix.ICANON | unix.ECHO
	foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	switch {
	case err != nil || foreground == 0: // not our controlling terminal
		t.Lflag &^= unix.ISIG
	case foreground != unix.Getpgrp():
		return nil, false
	}
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &t); err != nil {
		return nil, false
	}
	return func() error {
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, old); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		return nil
	}, true
}
