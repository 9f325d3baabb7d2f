// Package cmlog writes smsts.log in the format that existing viewers read:
//
//	<![LOG[text]LOG]!><time="HH:MM:SS.mmm+000" date="MM-DD-YYYY" component="TSManager" context="" type="1" thread="2000" file="engine.go:22">
//
// The number behind the time is the bias in minutes: UTC = local + bias. Type 1
// is information, 2 a warning, 3 an error. Lines end with CR LF, a text may span
// lines, the encoding is UTF-8. Writing never fails the caller: a log is no
// reason to stop a deployment.
package cmlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Format makes one record. Component and file are plain words.
func Format(at time.Time, kind int, component, file, text string) string {
	_, offset := at.Zone()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "]LOG]!>", "]LOG]! >")
	text = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimRight(text, "\n"), "?"), "\n", "\r\n")
	return fmt.Sprintf("<![LOG[%s]LOG]!><time=\"%s%+04d\" date=\"%s\" component=\"%s\" context=\"\" type=\"%d\" thread=\"%d\" file=\"%s\">\r\n",
		text, at.Format("15:04:05.000"), -offset/60, at.Format("01-02-2006"), word(component), kind, 1, word(file))
}

func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || strings.ContainsRune(`"<>&`, r) {
			return '_'
		}
		return r
	}, s)
}

// Handler is a slog.Handler that writes records. The attribute "component"
// gives the component, TSManager when it is left out. It is safe for concurrent
// use.
type Handler struct {
	out       *output
	component string
	attrs     string
	level     slog.Level
}

type output struct {
	mu     sync.Mutex
	w      io.Writer
	redact func(string) string
}

// NewHandler makes a Handler; redact, if given, takes secrets out of each text.
func NewHandler(w io.Writer, level slog.Level, redact func(string) string) *Handler {
	return &Handler{out: &output{w: w, redact: redact}, component: "TSManager", level: level}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// WithGroup implements slog.Handler; groups are not shown.
func (h *Handler) WithGroup(string) slog.Handler { return h }

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		c.add(a)
	}
	return &c
}

func (h *Handler) add(a slog.Attr) {
	if a.Key == "component" {
		h.component = a.Value.String()
		return
	}
	h.attrs += " " + a.Key + "=" + a.Value.Resolve().String()
}

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	c := *h
	r.Attrs(func(a slog.Attr) bool { c.add(a); return true })
	kind := 1
	switch {
	case r.Level >= slog.LevelError:
		kind = 3
	case r.Level >= slog.LevelWarn:
		kind = 2
	}
	file := ""
	if r.PC != 0 {
		f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		file = fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
	}
	text := r.Message + c.attrs
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if h.out.redact != nil {
		text = h.out.redact(text)
	}
	_, err := io.WriteString(h.out.w, Format(r.Time, kind, c.component, file, text))
	return err
}
