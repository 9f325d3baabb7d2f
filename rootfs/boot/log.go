package boot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// lines is a slog.Handler for a person at a serial console: no time, because the clock may be unset, and words in
// place of marks:
//
//	bootward-init: data disk mounted: disk vdb, check clean, took 0.4 s
//	bootward-init: warning: waiting for the data disk: reason put in one blank disk
type lines struct {
	mu    *sync.Mutex
	out   io.Writer
	attrs []slog.Attr
}

// NewHandler makes the handler of PID 1's log. Groups are not shown.
func NewHandler(out io.Writer) slog.Handler { return &lines{mu: &sync.Mutex{}, out: out} }

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (l *lines) WithGroup(string) slog.Handler { return l }

func (l *lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lines{l.mu, l.out, append(l.attrs[:len(l.attrs):len(l.attrs)], attrs...)}
}

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString("bootward-init: ")
	if r.Level >= slog.LevelWarn {
		b.WriteString(map[bool]string{false: "warning: ", true: "error: "}[r.Level >= slog.LevelError])
	}
	b.WriteString(r.Message)
	between := ": "
	add := func(a slog.Attr) bool {
		if text := value(a.Value.Resolve()); text != "" {
			b.WriteString(between + a.Key + " " + text)
			between = ", "
		}
		return true
	}
	for _, a := range l.attrs {
		add(a)
	}
	r.Attrs(add)
	b.WriteByte('\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(b.Bytes())
	return err
}

// value is what stands behind a key; nothing for an absent error.
func value(v slog.Value) string {
	switch {
	case v.Kind() == slog.KindDuration:
		return seconds(v.Duration())
	case v.Kind() == slog.KindAny && v.Any() == nil:
		return ""
	}
	return strings.TrimSpace(v.String())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
