package site

import (
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// timedWriter is an answer that knows until when it may be written.
type timedWriter struct {
	http.ResponseWriter
	t    *testing.T
	end  time.Time
	text strings.Builder
}

func (p *timedWriter) SetWriteDeadline(end time.Time) error { p.end = end; return nil }
func (p *timedWriter) FlushError() error                    { _, err := p.Write(nil); return err }
func (p *timedWriter) Write(b []byte) (int, error) {
	if time.Until(p.end) < slowReader/2 {
		p.t.Errorf("%q is written, and the viewer has until %v", b, p.end)
	}
	return p.text.Write(b)
}

// readerFunc is a reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestSilentLog: a log that is silent for longer than a slow viewer may be is not broken off: the
// viewer's time runs while something is written, and at no other time.
func TestSilentLog(t *testing.T) {
	out := &timedWriter{t: t}
	parts := iotest.OneByteReader(strings.NewReader("abc"))
	l := &relayedLog{site: &Site{logs: newLogRelay()}, w: out}
	err := l.copy(readerFunc(func(p []byte) (int, error) {
		if !out.end.IsZero() {
			t.Errorf("while the box is silent the viewer's time ends at %v", out.end)
		}
		out.end = time.Unix(1, 0) // nobody may lean on what was before
		return parts.Read(p)
	}))
	if err != nil || out.text.String() != "abc" || out.end.IsZero() {
		t.Errorf("%q, %v, the end may be written until %v", out.text.String(), err, out.end)
	}
}
