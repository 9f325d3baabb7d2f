// Package console is the screen of the target: plain lines of 80 columns that
// also a serial line of 9,600 baud carries, each with the time since power-on,
// one line that shows progress, and a keyboard.
//
// A page, or a panel below the lines, uses the cursor addresses of the VT100; without them it is
// the carriage return alone. There are no colours.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bootward/bootward/agent/keys"
)

// Width is the number of columns that are used.
const Width = 79

// Console is safe for concurrent use, but only one caller may read keys.
type Console struct {
	mu       sync.Mutex
	out      io.Writer
	keys     chan byte
	held     []byte // read from keys, and not given out yet
	since    func() time.Duration
	progress int       // columns of the progress line that stands there
	shown    time.Time // when it was written last
	page     *painter  // the page that stands there, or nil
	panel    *painter  // the panel below the lines, or nil
	pause    time.Duration
}

// New makes a console. since is the time since power-on. Keys are read from in
// until it ends: the reading goroutine lives as long as in does. in may be nil.
func New(in io.Reader, out io.Writer, since func() time.Duration) *Console {
	c := &Console{out: out, keys: make(chan byte, 256), since: since}
	if in != nil {
		go c.read(in)
	}
	return c
}

func (c *Console) read(in io.Reader) {
	b := make([]byte, 16)
	for {
		n, err := in.Read(b)
		for _, k := range b[:n] {
			select {
			case c.keys <- k:
			default: // nobody reads: the key is lost
			}
		}
		if err != nil {
			return
		}
	}
}

// Line writes a line with the time since power-on.
func (c *Console) Line(format string, args ...any) {
	stamp := fmt.Sprintf("[%7.1f] ", c.since().Seconds())
	c.write(stamp, fmt.Sprintf(format, args...))
}

// Text writes lines without a time.
func (c *Console) Text(format string, args ...any) { c.write("", fmt.Sprintf(format, args...)) }

// write wraps long lines; lines after the first are indented by the stamp.
func (c *Console) write(stamp, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	c.leave()
	var b strings.Builder
	for i, line := range Wrap(text, Width-len(stamp)) {
		if i > 0 {
			stamp = strings.Repeat(" ", len(stamp))
		}
		b.WriteString(strings.TrimRight(stamp+line, " ") + "\r\n")
	}
	io.WriteString(c.out, b.String())
}

// progressPause keeps a slow serial line free.
const progressPause = time.Second

// Progress writes the progress line in place of the one before; at most one a
// second is written.
func (c *Console) Progress(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.shown) >= progressPause {
		c.shown = now
		text := []rune(Printable(fmt.Sprintf(format, args...)))
		text = text[:min(len(text), Width-1)]
		fill := max(c.progress-len(text), 0)
		io.WriteString(c.out, "\r"+string(text)+strings.Repeat(" ", fill))
		c.progress = len(text)
	}
}

// clear takes the progress line away.
func (c *Console) clear() {
	if c.progress > 0 {
		io.WriteString(c.out, "\r"+strings.Repeat(" ", c.progress)+"\r")
		c.progress = 0
	}
}

// escapePause is how long the rest of an escape sequence may take: a line of 9,600
// baud needs 1 ms for a byte, a console behind a network more.
const escapePause = 100 * time.Millisecond

// maxSequence is the longest escape sequence that is read.
const maxSequence = 16

// Key waits for a key, or until ctx ends. An escape sequence is one key.
func (c *Console) Key(ctx context.Context) (keys.Key, bool) {
	k, ok := c.next(ctx)
	if !ok || keys.Key(k) != keys.Escape {
		return keys.Key(k), ok
	}
	rest, cancel := context.WithTimeout(ctx, escapePause)
	defer cancel()
	k, ok = c.next(rest)
	switch {
	case !ok:
		return keys.Escape, true
	case k != 'O' && k != '[':
		c.held = append(c.held, k)
		return keys.Escape, true
	}
	sequence := []byte{k}
	for len(sequence) < maxSequence {
		if k, ok = c.next(rest); !ok {
			break
		}
		sequence = append(sequence, k)
		if sequence[0] == 'O' || k >= 0x40 && (k != '[' || len(sequence) > 2) {
			break
		}
	}
	return keys.Sequence(string(sequence)), true
}

// next waits for a byte.
func (c *Console) next(ctx context.Context) (byte, bool) {
	if len(c.held) > 0 {
		k := c.held[0]
		c.held = c.held[1:]
		return k, true
	}
	select {
	case <-ctx.Done():
		return 0, false
	case k := <-c.keys:
		return k, true
	}
}

// Forget drops the keys that were pressed before.
func (c *Console) Forget() {
	c.held = nil
	for {
		select {
		case <-c.keys:
		default:
			return
		}
	}
}

// maxAnswer and maxSecret are the longest lines that are read.
const (
	maxAnswer = 60
	maxSecret = 128
)

// Ask writes a question and reads a line of at most 60 characters, with
// backspace. ok is false when ctx ended or the person pressed Ctrl-C or Escape.
func (c *Console) Ask(ctx context.Context, question string) (answer string, ok bool) {
	return c.line(ctx, question, maxAnswer, func(k byte) string { return string(k) })
}

// AskSecret is Ask for what nobody may read over a shoulder or in a log of the
// serial line: stars are shown, for at most 128 characters.
func (c *Console) AskSecret(ctx context.Context, question string) (answer string, ok bool) {
	return c.line(ctx, question, maxSecret, func(byte) string { return "*" })
}

func (c *Console) line(ctx context.Context, question string, longest int, show func(byte) string) (answer string, ok bool) {
	c.echo(question)
	var line []byte
	for {
		k, ok := c.Key(ctx)
		switch {
		case !ok || k == keys.Interrupt || k == keys.Escape:
			c.echo("\r\n")
			return "", false
		case k == keys.Enter || k == '\n':
			c.echo("\r\n")
			return string(line), true
		case (k == 8 || k == keys.Backspace) && len(line) > 0:
			line = line[:len(line)-1]
			c.echo("\b \b")
		case k.Printable() && len(line) < longest:
			line = append(line, byte(k))
			c.echo(show(byte(k)))
		}
	}
}

func (c *Console) echo(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	c.leave()
	io.WriteString(c.out, s)
}

// Wrap breaks a text at spaces into lines of a width.
func Wrap(text string, width int) []string {
	var out []string
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		line = Printable(line)
		for utf8.RuneCountInString(line) > width {
			runes := []rune(line)
			cut := width
			if i := strings.LastIndexByte(string(runes[:width]), ' '); i > width/2 {
				cut = utf8.RuneCountInString(string(runes[:width])[:i])
			}
			out = append(out, strings.TrimRight(string(runes[:cut]), " "))
			line = strings.TrimLeft(string(runes[cut:]), " ")
		}
		out = append(out, line)
	}
	return out
}

// Printable takes the power over terminals out of a text.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
}
