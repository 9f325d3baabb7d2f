package serialconsole

import (
	"io"
	"strings"
	"sync"
)

// Screen is the terminal: lines of the log and of the console go above the line
// that somebody types, which is drawn again behind them. It needs no cursor
// addressing but the carriage return. While nobody types it passes everything on
// as it is. Its methods may be called by several goroutines at once.
type Screen struct {
	mu   sync.Mutex
	out  io.Writer
	line string // prompt and what is typed, as they stand there
}

// NewScreen makes a screen of a terminal.
func NewScreen(out io.Writer) *Screen { return &Screen{out: out} }

// Write takes whole lines.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		return s.out.Write(p)
	}
	text := erase(s.line) + string(p)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if _, err := io.WriteString(s.out, text+s.line); err != nil {
		return 0, err
	}
	return len(p), nil
}

// show puts a line in the place of the one that stands there, with as few
// characters as will do: a line of 9,600 baud carries 960 of them in a second.
func (s *Screen) show(line string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text string
	switch {
	case line == s.line:
		return nil
	case strings.HasPrefix(line, s.line):
		text = line[len(s.line):]
	case strings.HasPrefix(s.line, line) && len(s.line) == len(line)+1:
		text = "\b \b"
	default:
		text = erase(s.line) + line
	}
	s.line = line
	_, err := io.WriteString(s.out, text)
	return err
}

// enter leaves the line where it stands.
func (s *Screen) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = ""
	_, err := io.WriteString(s.out, "\n")
	return err
}

func erase(line string) string { return "\r" + strings.Repeat(" ", len(line)) + "\r" }
