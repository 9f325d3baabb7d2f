package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

// world is box, jobs and people of a test, and writes down what happens.
type world struct {
	mu      sync.Mutex
	begin   time.Time
	log     []string
	answer  func(event string) (api.Offers, error)
	start   func(o api.Offer) (bool, error)
	goOn    func() (bool, error)
	here    []Session
	blind   bool
	changed chan struct{}
}

func newWorld() *world {
	return &world{begin: time.Now(), changed: make(chan struct{}, 1), answer: func(string) (api.Offers, error) { return api.Offers{}, nil }}
}

// note writes down what happens, with the time since the begin.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%s ", time.Since(w.begin).Round(time.Second))+fmt.Sprintf(format, args...))
}

func (w *world) Ask(_ context.Context, event string) (api.Offers, error) {
	if event != "" {
		w.note("asked %s", event)
	}
	return w.answer(event)
}

func (w *world) GoOn(context.Context) (bool, error) {
	if w.goOn == nil {
		return false, nil
	}
	return w.goOn()
}

func (w *world) Start(_ context.Context, o api.Offer, event string) (bool, error) {
	w.note("start %s %s", o.Advertisement, event)
	if w.start == nil {
		return false, nil
	}
	return w.start(o)
}

func (w *world) List() ([]Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blind {
		return nil, errors.New("no such folder")
	}
	return slices.Clone(w.here), nil
}

func (w *world) Changed() <-chan struct{} { return w.changed }

func (w *world) Tell(to []Session, text string) error {
	_, text, _ = strings.Cut(text, "machine in ")
	text, _, _ = strings.Cut(text, ",")
	w.note("told %d: in %s", len(to), text)
	return nil
}

// come and leave change who is there.
func (w *world) come(ids ...string) {
	w.mu.Lock()
	w.here = nil
	for _, id := range ids {
		w.here = append(w.here, Session{ID: id, User: "ann"})
	}
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *world) client(file string) *Client {
	return &Client{Box: w, Jobs: w, People: w, Now: time.Now, File: file, Boot: "boot-1", Log: slog.New(slog.DiscardHandler)}
}

// happened holds what was written down against want.
func (w *world) happened(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.log, want) {
		t.Errorf("happened:\n  %s\nwant:\n  %s", strings.Join(w.log, "\n  "), strings.Join(want, "\n  "))
	}
}

// live runs a client while do happens.
func (w *world) live(t *testing.T, file string, do func()) (restart bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool, 1)
	go func() { ended <- w.client(file).Run(ctx) }()
	synctest.Wait()
	do()
	cancel()
	return <-ended
}

func state(t *testing.T) string { return filepath.Join(t.TempDir(), "state.json") }

// once answers an offer until it was started.
func (w *world) once(o api.Offer) {
	ran := false
	w.answer = func(event string) (api.Offers, error) {
		if ran {
			return api.Offers{}, nil
		}
		return api.Offers{Offers: []api.Offer{o}}, nil
	}
	w.start = func(api.Offer) (bool, error) { ran = true; return false, nil }
}

func mandatory(countdown time.Duration) api.Offer {
	return api.Offer{Advertisement: "CEN1", Name: "Save logs", Mandatory: true, Countdown: osd.Duration(countdown)}
}

// TestCountdown: people who are signed in are told at its begin and before its
// end; nobody is waited for who is not there, or who went.
func TestCountdown(t *testing.T) {
	for _, tt := range []struct {
		name  string
		offer api.Offer
		here  []string
		do    func(*world)
		want  []string
	}{
		{"somebody is there", mandatory(15 * time.Minute), []string{"1"}, nil,
			[]string{"0s asked atLogon", "0s told 1: in 15m", "10m0s told 1: in 5m", "14m0s told 1: in 1m", "15m0s start CEN1 atLogon"}},
		{"short", mandatory(90 * time.Second), []string{"1"}, nil,
			[]string{"0s asked atLogon", "0s told 1: in 1m30s", "30s told 1: in 1m", "1m30s start CEN1 atLogon"}},
		{"nobody is there", mandatory(15 * time.Minute), nil, nil, []string{"0s start CEN1 "}},
		{"without countdown", mandatory(0), []string{"1"}, nil, []string{"0s asked atLogon", "0s start CEN1 atLogon"}},
		{"he goes", mandatory(15 * time.Minute), []string{"1"}, func(w *world) {
			time.Sleep(2 * time.Minute)
			w.come()
		}, []string{"0s asked atLogon", "0s told 1: in 15m", "2m0s asked atLogoff", "2m0s start CEN1 atLogon"}},
		{"it is destructive", api.Offer{Advertisement: "CEN1", Mandatory: true, Destructive: true}, nil, nil, nil},
		{"it is available", api.Offer{Advertisement: "CEN1"}, nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.once(tt.offer)
				w.come(tt.here...)
				w.live(t, state(t), func() {
					if tt.do != nil {
						tt.do(w)
					}
					time.Sleep(20 * time.Minute)
				})
				w.happened(t, tt.want...)
			})
		})
	}
}

// TestBlind: where nobody can say who is there, the countdown runs all the same.
func TestBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.blind = true
		w.once(mandatory(15 * time.Minute))
		w.live(t, state(t), func() { time.Sleep(20 * time.Minute) })
		w.happened(t, "15m0s start CEN1 ")
	})
}

// TestReminders: each is told once for each time of an assignment, also when the
// client starts again; what was missed becomes one, when somebody is there.
func TestReminders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		at := time.Now().Add(26 * time.Hour)
		var reminders []osd.Duration
		for _, d := range []time.Duration{24 * time.Hour, time.Hour, 15 * time.Minute} {
			reminders = append(reminders, osd.Duration(d))
		}
		w.answer = func(string) (api.Offers, error) {
			u := []api.Upcoming{{Advertisement: "CEN1", Name: "Save logs", At: at, Reminders: reminders},
				{Advertisement: "CEN1", Name: "Save logs", At: at.Add(24 * time.Hour), Reminders: reminders}}
			return api.Offers{Upcoming: u, Next: at}, nil
		}
		file := state(t)
		w.live(t, file, func() {
			time.Sleep(24 * time.Hour) // nobody heard of the first
			w.come("1")
			time.Sleep(90 * time.Minute)
		})
		w.live(t, file, func() { time.Sleep(20 * time.Minute) })
		w.happened(t, "24h0m0s asked atLogon", "24h0m0s told 1: in 2h", "25h0m0s told 1: in 1h", "25h45m0s told 1: in 15m")
	})
}

// TestEvents: who signs in or out makes the client ask, once; what was there
// before the client is no news within one start of the kernel, and is with the
// next.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		file := state(t)
		w.live(t, file, func() {
			time.Sleep(time.Hour)
			w.come("1")
			time.Sleep(time.Hour)
			w.come("1", "2")
			time.Sleep(time.Hour)
			w.come("2")
			time.Sleep(time.Hour)
			w.come("3") // one goes and another comes
			time.Sleep(time.Minute)
		})
		w.live(t, file, func() { time.Sleep(time.Minute) })
		w.happened(t, "1h0m0s asked atLogon", "2h0m0s asked atLogon", "3h0m0s asked atLogoff", "4h0m0s asked atLogon", "4h0m0s asked atLogoff")
		c := w.client(file)
		c.Boot = "boot-2"
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c.Run(ctx)
		if last := w.log[len(w.log)-1]; !strings.HasSuffix(last, "asked atLogon") || len(w.log) != 6 {
			t.Errorf("after a restart: %q", w.log)
		}
	})
}

// TestAway: a box that is away is asked with growing pauses; who signs in
// meanwhile counts for a while.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var asked atomic.Int32
		var away atomic.Bool
		away.Store(true)
		w.answer = func(string) (api.Offers, error) {
			asked.Add(1)
			if away.Load() {
				return api.Offers{}, errors.New("no route to host")
			}
			return api.Offers{}, nil
		}
		w.live(t, state(t), func() {
			time.Sleep(6 * time.Hour)
			if n := asked.Load(); n < 30 || n > 90 {
				t.Errorf("asked %d times in six hours", n)
			}
			w.come("1")
			time.Sleep(20 * time.Minute) // too old when the box is back
			w.mu.Lock()
			w.log = nil
			w.mu.Unlock()
			w.come("1", "2")
			synctest.Wait()
			away.Store(false)
			time.Sleep(11 * time.Minute)
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.log) != 1 || !strings.HasSuffix(w.log[0], "asked atLogon") {
				t.Errorf("when the box was back: %q", w.log)
			}
		})
	})
}

// TestNextQuestion: every ten minutes, and when an assignment comes.
func TestNextQuestion(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		next   time.Time
		random float64
		want   time.Duration
	}{
		{"nothing comes", time.Time{}, 0, 9 * time.Minute},
		{"nothing comes, late", time.Time{}, 1, 11 * time.Minute},
		{"soon", now.Add(2 * time.Minute), 0, 2 * time.Minute},
		{"soon, spread", now.Add(2 * time.Minute), 1, 2*time.Minute + spread},
		{"tomorrow", now.Add(24 * time.Hour), 0, 9 * time.Minute},
		{"the box's clock is behind", now.Add(-time.Minute), 0, time.Second},
	} {
		if got := nextQuestion(now, tt.next, func() float64 { return tt.random }).Sub(now); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestAtItsTime: a time of an assignment that the box told is not missed.
func TestAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		at := time.Now().Add(3*time.Minute + 20*time.Second)
		ran := false
		w.answer = func(string) (api.Offers, error) {
			switch {
			case ran:
				return api.Offers{}, nil
			case time.Now().Before(at):
				return api.Offers{Next: at}, nil
			}
			return api.Offers{Offers: []api.Offer{mandatory(0)}}, nil
		}
		w.start = func(api.Offer) (bool, error) { ran = true; return false, nil }
		w.live(t, state(t), func() { time.Sleep(4 * time.Minute) })
		if len(w.log) != 1 || !strings.Contains(w.log[0], "start CEN1") || w.log[0] > "3m26s" {
			t.Errorf("%q", w.log)
		}
	})
}

// TestStartsAgain: a countdown goes on where it was, a restart that a job asks for
// ends the client, and the job on the disk goes first.
func TestStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.once(mandatory(10 * time.Minute))
		w.come("1")
		file := state(t)
		w.live(t, file, func() { time.Sleep(4 * time.Minute) })
		w.start = func(api.Offer) (bool, error) { return true, nil }
		lies := 0
		w.goOn = func() (bool, error) {
			if lies++; lies == 1 {
				return false, errors.New("the box is away")
			}
			return false, nil
		}
		if !w.live(t, file, func() { time.Sleep(10 * time.Minute) }) {
			t.Error("the restart was lost")
		}
		w.happened(t, "0s asked atLogon", "0s told 1: in 10m", "5m0s told 1: in 5m", "9m0s told 1: in 1m", "10m0s start CEN1 atLogon")
		w.goOn = func() (bool, error) { return true, nil }
		if !w.live(t, file, func() { time.Sleep(time.Minute) }) {
			t.Error("the restart of the job on the disk was lost")
		}
	})
}

// TestTakenBack: what the box does not offer any more is not run.
func TestTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.come("1")
		offered := []api.Offer{mandatory(30 * time.Minute)}
		asked := 0
		w.answer = func(event string) (api.Offers, error) {
			if asked++; event != "" || asked > 2 {
				return api.Offers{}, nil
			}
			return api.Offers{Offers: offered}, nil
		}
		w.live(t, state(t), func() { time.Sleep(2 * time.Hour) })
		for _, l := range w.log {
			if strings.Contains(l, "start") {
				t.Errorf("%q", w.log)
			}
		}
	})
}

// TestLogonRuns: from a file of logind to a run, in real time.
func TestLogonRuns(t *testing.T) {
	s := sessions{t, t.TempDir()}
	p := NewPeople(s.dir, t.TempDir())
	w := newWorld()
	started := make(chan string, 1)
	asked := make(chan struct{}, 10)
	w.answer = func(event string) (api.Offers, error) {
		asked <- struct{}{}
		if event != osd.AtLogon {
			return api.Offers{}, nil
		}
		return api.Offers{Offers: []api.Offer{mandatory(0)}}, nil
	}
	w.start = func(o api.Offer) (bool, error) { started <- o.Advertisement; return false, nil }
	c := w.client(state(t))
	c.People = p
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { _ = p.Run(ctx) })
	work.Go(func() { c.Run(ctx) })
	<-asked // the client lives
	s.open("7", "pts/3")
	select {
	case <-started:
	case <-ctx.Done():
		t.Error("nothing was run")
	}
	cancel()
	work.Wait()
}
