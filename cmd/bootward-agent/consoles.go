package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// consoles are the terminals that the kernel speaks on: /dev/console is only the last of
// them, and a person may sit at any. What is written goes to each, keys come from each.
type consoles struct {
	files []*os.File
	keys  *os.File // the end of a pipe that is read
	ours  *os.File // its other end
	undo  []func() error

	mu   sync.Mutex
	last *os.File      // where the last key was pressed
	held chan struct{} // while a shell reads the keys; closed when it ends
}

// openConsoles opens the terminals of /sys/class/tty/console/active. Without any that can
// be opened, standard input and output are the one.
func openConsoles() (*consoles, error) {
	var files []*os.File
	raw, _ := os.ReadFile("/sys/class/tty/console/active")
	for name := range strings.FieldsSeq(string(raw)) {
		if f, err := os.OpenFile(filepath.Join("/dev", filepath.Base(name)), os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
			files = append(files, f)
		}
	}
	return join(files)
}

// join makes one of several terminals; without any that is standard input and output.
func join(files []*os.File) (*consoles, error) {
	if len(files) == 0 {
		return &consoles{undo: []func() error{keyByKey(os.Stdin)}}, nil
	}
	c := &consoles{files: files}
	var err error
	if c.keys, c.ours, err = os.Pipe(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	for _, f := range c.files {
		c.undo = append(c.undo, keyByKey(f))
		go c.read(f)
	}
	return c, nil
}

// read passes the keys of a terminal on until it ends.
func (c *consoles) read(f *os.File) {
	b := make([]byte, 64)
	for {
		n, err := f.Read(b)
		c.mu.Lock()
		if n > 0 {
			c.last = f
		}
		held := c.held
		c.mu.Unlock()
		switch {
		case n > 0:
			_, _ = c.ours.Write(b[:n])
		case errors.Is(err, os.ErrDeadlineExceeded) && held != nil:
			<-held
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return
		}
	}
}

// shell runs a shell on the terminal where the last key was pressed, in a session of its
// own. Nobody else reads the keys meanwhile.
func (c *consoles) shell(ctx context.Context) error {
	c.mu.Lock()
	f := c.last
	c.held = make(chan struct{})
	c.mu.Unlock()
	for _, one := range c.files {
		_ = one.SetReadDeadline(time.Unix(1, 0))
	}
	defer func() {
		for _, one := range c.files {
			_ = one.SetReadDeadline(time.Time{})
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		close(c.held)
		c.held = nil
	}()
	if f == nil {
		return errors.New("no key was pressed at a terminal")
	}
	tty, err := os.OpenFile(f.Name(), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer tty.Close()
	cooked := lineByLine(tty)
	defer cooked()
	sized(tty)
	return session(ctx, tty, shellProgram)
}

func (c *consoles) in() io.Reader {
	if c.keys == nil {
		return os.Stdin
	}
	return c.keys
}

func (c *consoles) out() io.Writer {
	if c.keys == nil {
		return os.Stdout
	}
	return each(c.files)
}

// close gives the terminals back as they were.
func (c *consoles) close() error {
	var errs []error
	for _, undo := range c.undo {
		errs = append(errs, undo())
	}
	for _, f := range c.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// each writes to every terminal. One that is gone keeps nothing from the others.
type each []*os.File

func (e each) Write(p []byte) (int, error) {
	for _, f := range e {
		_, _ = f.Write(p)
	}
	return len(p), nil
}

// keyByKey makes single keys of a terminal readable without an echo; the output stays as
// it is. Ctrl-S is a key like others: a stray one, or noise on a serial line, would hold
// up what is written to that terminal, and with it to all, for ever. It does nothing where
// the file is no terminal.
func keyByKey(f *os.File) (restore func() error) {
	return mode(f, func(t *unix.Termios) {
		t.Iflag &^= unix.IXON | unix.IXOFF
		t.Lflag &^= unix.ICANON | unix.ECHO
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	})
}

// lineByLine is a terminal as a shell wants it.
func lineByLine(f *os.File) (restore func() error) {
	return mode(f, func(t *unix.Termios) { t.Lflag |= unix.ICANON | unix.ECHO | unix.ISIG })
}

// sized gives a terminal that does not know its size, as a serial line, the size of a VT100: without one the
// shell's line editor edits nothing, and loses what is typed while a command runs.
func sized(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		if now, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ); err == nil && now.Col == 0 {
			_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
		}
	})
}

func mode(f *os.File, change func(*unix.Termios)) (restore func() error) {
	nothing := func() error { return nil }
	conn, err := f.SyscallConn() // Fd would take deadlines away
	if err != nil {
		return nothing
	}
	set := func(t *unix.Termios) (err error) {
		if e := conn.Control(func(fd uintptr) { err = unix.IoctlSetTermios(int(fd), unix.TCSETS, t) }); e != nil {
			return e
		}
		return err
	}
	var old *unix.Termios
	if e := conn.Control(func(fd uintptr) { old, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); e != nil || err != nil {
		return nothing
	}
	t := *old
	change(&t)
	if set(&t) != nil {
		return nothing
	}
	return func() error { return set(old) }
}
