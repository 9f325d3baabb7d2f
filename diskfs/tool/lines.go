package tool

import (
	"bytes"
	"strings"
)

const (
	tailLines = 6    // lines kept for an error
	maxLine   = 4096 // bytes after which a line without an end is cut
)

// lines is a writer that splits what a program prints into lines.
type lines struct {
	each func(string)
	rest []byte
	last []string
}

// Write takes the next piece of output. It never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexAny(l.rest, "\r\n")
		if i < 0 {
			break
		}
		l.emit(l.rest[:i])
		l.rest = l.rest[i+1:]
	}
	if len(l.rest) > maxLine {
		l.flush()
	}
	return len(p), nil
}

// flush hands over a last line that had no end.
func (l *lines) flush() {
	l.emit(l.rest)
	l.rest = nil
}

func (l *lines) emit(raw []byte) {
	line := strings.TrimSpace(string(raw))
	if line == "" {
		return
	}
	if len(l.last) == tailLines {
		l.last = l.last[1:]
	}
	l.last = append(l.last, line)
	if l.each != nil {
		l.each(line)
	}
}

func (l *lines) tail() string { return strings.Join(l.last, "; ") }
