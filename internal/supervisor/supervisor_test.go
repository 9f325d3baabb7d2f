package supervisor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRestartsWithGrowingDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(slog.New(slog.DiscardHandler), nil)
		var starts []time.Time
		svc := Func(func(ctx context.Context) error {
			starts = append(starts, time.Now())
			if len(starts) == 6 {
				cancel()
			}
			return errors.New("the line is down")
		})
		if err := s.Run(ctx, []Named{{"link", svc}}); err != nil {
			t.Fatalf("a passing error came out: %v", err)
		}
		step := DefaultFirst
		for i := 1; i < len(starts); i++ {
			if d := starts[i].Sub(starts[i-1]); d < step/2 || d > step {
				t.Errorf("delay %d is %s, want %s to %s", i, d, step/2, step)
			}
			step *= 2
		}
	})
}

func TestFatalStaysDownOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(slog.New(slog.DiscardHandler), nil)
		bad := errors.New("port 67 is held")
		done := make(chan error)
		go func() {
			done <- s.Run(ctx, []Named{
				{"dhcp", Func(func(context.Context) error { return Fatal(bad) })},
				{"panics", Func(func(context.Context) error { panic("nil map") })},
				{"once", Func(func(context.Context) error { return nil })},
				{"tftp", Func(func(ctx context.Context) error { <-ctx.Done(); return nil })},
			})
		}()
		synctest.Wait()
		want := map[string]Phase{"dhcp": Failed, "panics": Waiting, "once": Done, "tftp": Running}
		for _, st := range s.States() {
			if st.Phase != want[st.Name] {
				t.Errorf("%s is %s, want %s", st.Name, st.Phase, want[st.Name])
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, bad) || !strings.Contains(err.Error(), "dhcp") {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestDelayStartsSmallAfterALongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(slog.New(slog.DiscardHandler), nil)
		n := 0
		var ended time.Time
		s.Run(ctx, []Named{{"x", Func(func(ctx context.Context) error {
			switch n++; n {
			case 8:
				time.Sleep(2 * healthy)
				ended = time.Now()
			case 9:
				if d := time.Since(ended); d > DefaultFirst {
					t.Errorf("delay after a long run is %s", d)
				}
				cancel()
			}
			return errors.New("x")
		})}})
	})
}

// TestFloodOfLines: what anybody can make a service write does not fill the log, and what
// was left out is told; errors are written all the same.
func TestFloodOfLines(t *testing.T) {
	var out bytes.Buffer
	h := New(slog.New(slog.NewTextHandler(&out, nil)), nil).Logger("x").With("mac", "m").Handler()
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	write := func(l slog.Level, text string) {
		t.Helper()
		if err := h.Handle(t.Context(), slog.NewRecord(at, l, text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for range linesAtOnce + 500 {
		write(slog.LevelWarn, "flood")
	}
	write(slog.LevelError, "the disk is full")
	if n := strings.Count(out.String(), "msg=flood"); n != linesAtOnce || !strings.Contains(out.String(), "the disk is full") || strings.Contains(out.String(), "left out") {
		t.Errorf("%d lines of a flood are written", n)
	}
	out.Reset()
	at = at.Add(time.Second)
	for range 2 * linesPerSecond {
		write(slog.LevelInfo, "again")
	}
	if n := strings.Count(out.String(), "msg=again"); n != linesPerSecond || strings.Count(out.String(), "left out") != 1 || !strings.Contains(out.String(), "lines=500") {
		t.Errorf("%d lines a second later:\n%.500s", n, out.String())
	}
}

func TestRingKeepsTheLastLines(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler), nil)
	log := s.Logger("x").With("mac", "52:54:00:00:00:01")
	for i := range 60 {
		log.Info("line", "n", i)
	}
	log.Debug("not kept")
	s.set("x", func(st *State) { st.Phase = Running })
	lines := s.States()[0].Lines
	if len(lines) != ringLines || !strings.HasSuffix(lines[0], "line mac=52:54:00:00:00:01 n=10") || !strings.HasSuffix(lines[49], "n=59") {
		t.Errorf("%d lines, first %q, last %q", len(lines), lines[0], lines[len(lines)-1])
	}
}
