package machine

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Line is one line of the serial console, without escape sequences.
type Line struct {
	N    int           // from 0
	At   time.Duration // when its first byte came, since power-on
	Text string
}

// String is the form of the transcript file: "[  12.345] text", seconds since power-on.
func (l Line) String() string { return fmt.Sprintf("[%8.3f] %s", l.At.Seconds(), l.Text) }

// transcript keeps the serial console as lines and writes them to a file as they end.
type transcript struct {
	now func() time.Duration // since power-on
	out io.Writer

	mu      sync.Mutex // guards the rest
	strip   stripper
	started time.Duration // when the current line began
	lines   []Line
	tail    string // the line without an end, such as a prompt
	changed chan struct{}
	closed  bool
	writing error // the first failure to write to out
}

func newTranscript(now func() time.Duration, out io.Writer) *transcript {
	return &transcript{now: now, out: out, changed: make(chan struct{})}
}

// write takes bytes of the console. It fails only when the transcript file does, and keeps the lines nevertheless.
func (t *transcript) write(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.tail == "" {
		t.started = now
	}
	for _, text := range t.strip.write(p) {
		t.end(text)
		t.started = now
	}
	t.tail = t.strip.partial()
	t.wake()
	return t.writing
}

// close ends the last line: nothing will come.
func (t *transcript) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := t.strip.take(); text != "" {
		t.end(text)
	}
	t.tail, t.closed = "", true
	t.wake()
	return t.writing
}

func (t *transcript) end(text string) {
	line := Line{N: len(t.lines), At: t.started, Text: text}
	t.lines = append(t.lines, line)
	if t.writing == nil {
		if _, err := fmt.Fprintln(t.out, line); err != nil {
			t.writing = fmt.Errorf("write serial transcript: %w", err)
		}
	}
}

func (t *transcript) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *transcript) unfinished() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tail
}

// all returns the lines that have ended. They are not to be changed.
func (t *transcript) all() []Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines[:len(t.lines):len(t.lines)]
}

// wait returns the first line from number from on that matches; a prompt without an end matches too, and keeps its
// number when it ends. The boolean is false when the console ended without a match; the error is the context's.
func (t *transcript) wait(ctx context.Context, from int, re *regexp.Regexp) (Line, bool, error) {
	from = max(from, 0)
	for {
		t.mu.Lock()
		lines, changed, closed := t.lines, t.changed, t.closed
		tail := Line{N: len(lines), At: t.started, Text: t.tail}
		t.mu.Unlock()
		for ; from < len(lines); from++ {
			if re.MatchString(lines[from].Text) {
				return lines[from], true, nil
			}
		}
		if tail.Text != "" && tail.N >= from && re.MatchString(tail.Text) {
			return tail, true, nil
		}
		if closed {
			return Line{}, false, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Line{}, false, ctx.Err()
		}
	}
}

// last returns the last n lines as text, for errors.
func (t *transcript) last(n int) string {
	lines := t.all()
	var b strings.Builder
	for _, l := range lines[max(0, len(lines)-n):] {
		b.WriteString("\n  " + l.String())
	}
	return b.String()
}
