package supervisor

import (
	"context"
	"log/slog"
	"strings"
)

// Logger returns the logger of a service: it writes to the supervisor's log
// with the service's name, and keeps the last lines for States. Beyond 200 lines a
// second in the long run lines are left out and counted, errors never.
func (s *Supervisor) Logger(name string) *slog.Logger {
	s.mu.Lock()
	r := s.rings[name]
	if r == nil {
		r = &ring{}
		s.rings[name] = r
	}
	s.mu.Unlock()
	return slog.New(&tee{next: s.log.Handler().WithAttrs([]slog.Attr{slog.String("service", name)}), ring: r})
}

// tee passes records on and keeps them as text lines. Debug records are passed
// on only.
type tee struct {
	next  slog.Handler
	ring  *ring
	attrs []slog.Attr
	group string
}

// Enabled implements slog.Handler.
func (t *tee) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || t.next.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (t *tee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && r.Level < slog.LevelError {
		left, ok := t.ring.pass(r.Time)
		if !ok {
			return nil
		}
		if left > 0 {
			note := slog.NewRecord(r.Time, slog.LevelWarn, "lines were left out: there were too many", 0)
			note.AddAttrs(slog.Int("lines", left))
			if err := t.write(ctx, note); err != nil {
				return err
			}
		}
	}
	return t.write(ctx, r)
}

func (t *tee) write(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		t.ring.add(t.line(r))
	}
	if !t.next.Enabled(ctx, r.Level) {
		return nil
	}
	return t.next.Handle(ctx, r)
}

func (t *tee) line(r slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Time.UTC().Format("15:04:05 "))
	if r.Level > slog.LevelInfo {
		b.WriteString(r.Level.String() + " ")
	}
	b.WriteString(r.Message)
	for _, a := range t.attrs {
		b.WriteString(" " + a.String())
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = t.group + a.Key
		b.WriteString(" " + a.String())
		return true
	})
	return b.String()
}

// WithAttrs implements slog.Handler.
func (t *tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *t
	c.next = t.next.WithAttrs(attrs)
	c.attrs = append([]slog.Attr(nil), t.attrs...)
	for _, a := range attrs {
		a.Key = t.group + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (t *tee) WithGroup(name string) slog.Handler {
	c := *t
	c.next = t.next.WithGroup(name)
	c.group = t.group + name + "."
	return &c
}
