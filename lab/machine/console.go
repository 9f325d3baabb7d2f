package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// Escape is the byte that ends Attach: Ctrl-].
const Escape = 0x1d

// backlog is how much of the console a newcomer is shown, in bytes.
const backlog = 8192

// viewers passes the console's bytes to everyone attached. A viewer that reads too slowly misses bytes; the machine
// never waits for him.
type viewers struct {
	mu     sync.Mutex
	recent []byte
	queues map[chan []byte]bool
	closed bool
}

func (v *viewers) write(p []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.recent = append(v.recent, p...)
	v.recent = v.recent[max(0, len(v.recent)-backlog):]
	for q := range v.queues {
		select {
		case q <- append([]byte(nil), p...):
		default:
		}
	}
}

func (v *viewers) join() chan []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	q := make(chan []byte, 256)
	q <- append([]byte(nil), v.recent...)
	if v.closed {
		close(q)
		return q
	}
	if v.queues == nil {
		v.queues = map[chan []byte]bool{}
	}
	v.queues[q] = true
	return q
}

func (v *viewers) leave(q chan []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.queues[q] {
		delete(v.queues, q)
		close(q)
	}
}

func (v *viewers) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	for q := range v.queues {
		close(q)
	}
	v.queues = nil
}

// serve accepts viewers until the listener is closed; what they type goes to the machine.
func (v *viewers) serve(listener net.Listener, machine io.Writer) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		q := v.join()
		go v.show(q, conn)
		go func() {
			defer conn.Close()
			_, _ = io.Copy(machine, conn)
			v.leave(q)
		}()
	}
}

// show passes a queue to a viewer. One who does not read any more may still have typed something, so his connection
// is closed here only at the machine's end.
func (v *viewers) show(q chan []byte, conn net.Conn) {
	for p := range q {
		if _, err := conn.Write(p); err != nil {
			v.leave(q)
			return
		}
	}
	_ = conn.Close()
}

// Attach connects in and out to the serial console of the machine whose files are in dir, from any process, until
// the escape byte is read (nil), the machine ends (nil), in fails, or ctx ends. The end of in leaves the console in view.
// A terminal is put into raw mode meanwhile. A read of in that is under way at the end is abandoned, and takes what
// is typed next.
func Attach(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	conn, err := dialConsole(ctx, dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("attach to console in %s: no machine runs there", dir)
	}
	if err != nil {
		return fmt.Errorf("attach to console in %s: %w", dir, err)
	}
	defer conn.Close()
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		old, err := term.MakeRaw(int(f.Fd()))
		if err != nil {
			return fmt.Errorf("attach to console in %s: set raw mode: %w", dir, err)
		}
		defer func() { _ = term.Restore(int(f.Fd()), old) }()
	}
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(out, conn)
		ended <- err
	}()
	go func() {
		if err := typeInto(conn, in); !errors.Is(err, io.EOF) {
			ended <- err
		}
	}()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("attach to console in %s: %w", dir, err)
	}
	return nil
}

func dialConsole(ctx context.Context, dir string) (net.Conn, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socketPath(d, consoleSocket))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: is the machine running? %w", filepath.Join(dir, consoleSocket), err)
	}
	return conn, nil
}

// socketPath names a socket in an open directory by a path that fits the 107 bytes of a socket address (unix(7)).
func socketPath(dir *os.File, name string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)
}

// typeInto copies in to conn until the escape byte (nil) or in's end (io.EOF).
func typeInto(conn io.Writer, in io.Reader) error {
	buffer := make([]byte, 256)
	for {
		n, err := in.Read(buffer)
		for i, b := range buffer[:n] {
			if b == Escape {
				_, err := conn.Write(buffer[:i])
				return err
			}
		}
		if _, werr := conn.Write(buffer[:n]); werr != nil {
			return werr
		}
		if err != nil {
			return err
		}
	}
}
