// Package supervisor keeps services running: values that have one method,
// Run(ctx) error.
//
// A service that fails is started again after a delay that grows and is
// jittered; one that fails with Fatal stays down, because starting it again
// cannot help, and the others go on. The supervisor remembers the state and
// the last log lines of each, so that a console can show them. It starts no
// programs, knows no dependencies between services and never ends the process.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Service runs until its context ends. It owns every goroutine it starts and
// returns nil when it was cancelled or has nothing more to do.
type Service interface {
	Run(ctx context.Context) error
}

// Func makes a service of a function.
type Func func(ctx context.Context) error

// Run implements Service.
func (f Func) Run(ctx context.Context) error { return f(ctx) }

// Named is a service with the name that logs and console give it.
type Named struct {
	Name    string
	Service Service
}

// Phase is where a service is in its life.
type Phase string

// The phases.
const (
	Starting Phase = "starting" // not started yet
	Running  Phase = "running"
	Waiting  Phase = "waiting" // failed, will be started again
	Failed   Phase = "failed"  // failed for good
	Done     Phase = "done"    // ended by itself, or stopped
)

// State is what is known of one service.
type State struct {
	Name     string
	Phase    Phase
	Since    time.Time
	Restarts int
	Err      error         // the last failure; nil if there was none
	Next     time.Duration // Waiting: the delay before the next start
	Lines    []string      // the last log lines, oldest first
}

// Supervisor runs services. New makes one.
type Supervisor struct {
	log      *slog.Logger
	onChange func()

	mu     sync.Mutex
	order  []string
	states map[string]*State
	rings  map[string]*ring
}

// healthy is how long a service must have run for its delay to start small
// again.
const healthy = time.Minute

// New makes a supervisor that logs to log. onChange, which may be nil, is
// called after each change of a state; it must not block.
func New(log *slog.Logger, onChange func()) *Supervisor {
	if onChange == nil {
		onChange = func() {}
	}
	return &Supervisor{log: log, onChange: onChange, states: map[string]*State{}, rings: map[string]*ring{}}
}

// Run runs the services until ctx ends and all of them have returned. It
// returns the fatal errors, joined; it returns early only when no service is
// left. Names must be unique.
func (s *Supervisor) Run(ctx context.Context, services []Named) error {
	var wg sync.WaitGroup
	for _, n := range services {
		s.set(n.Name, func(st *State) { st.Phase = Starting })
	}
	fatal := make([]error, len(services))
	for i, n := range services {
		wg.Go(func() { fatal[i] = s.keep(ctx, n) })
	}
	wg.Wait()
	return errors.Join(fatal...)
}

// keep runs one service until it ends for good.
func (s *Supervisor) keep(ctx context.Context, n Named) error {
	log := s.Logger(n.Name)
	var delay Backoff
	for {
		s.set(n.Name, func(st *State) { st.Phase, st.Next = Running, 0 })
		started := time.Now()
		err := run(ctx, n.Service)
		switch {
		case ctx.Err() != nil || err == nil:
			s.set(n.Name, func(st *State) { st.Phase = Done })
			return nil
		case IsFatal(err):
			log.Error("service failed for good", "error", err)
			s.set(n.Name, func(st *State) { st.Phase, st.Err = Failed, err })
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		if time.Since(started) >= healthy {
			delay.Reset()
		}
		wait := delay.Next()
		log.Warn("service failed, starts again", "error", err, "in", wait.Round(time.Millisecond).String())
		s.set(n.Name, func(st *State) { st.Phase, st.Err, st.Next = Waiting, err, wait; st.Restarts++ })
		if !Sleep(ctx, wait) {
			s.set(n.Name, func(st *State) { st.Phase = Done })
			return nil
		}
	}
}

// run turns a panic of the service into an error: one service must not take
// the others down.
func run(ctx context.Context, svc Service) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return svc.Run(ctx)
}

func (s *Supervisor) set(name string, change func(*State)) {
	s.mu.Lock()
	st := s.states[name]
	if st == nil {
		st = &State{Name: name}
		s.states[name] = st
		s.order = append(s.order, name)
	}
	before := st.Phase
	change(st)
	if st.Phase != before {
		st.Since = time.Now()
	}
	s.mu.Unlock()
	s.onChange()
}

// States returns the state of every service in the order of Run.
func (s *Supervisor) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]State, 0, len(s.order))
	for _, name := range s.order {
		st := *s.states[name]
		if r := s.rings[name]; r != nil {
			st.Lines = r.lines()
		}
		all = append(all, st)
	}
	return all
}

// fatalError marks an error that starting again does not cure.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// Fatal marks err: a service that returns it is not started again.
func Fatal(err error) error { return &fatalError{err} }

// IsFatal says whether err was marked by Fatal.
func IsFatal(err error) bool {
	var f *fatalError
	return errors.As(err, &f)
}

// ring keeps the last log lines of one service.
type ring struct {
	mu   sync.Mutex
	kept []string
	rate *rate.Limiter // nil before the first line
	left int           // lines that were left out since the last one
}

// ringLines is how many lines a ring keeps.
const ringLines = 50

// So many lines below errors a service may write: anybody on a network can make a server
// write one, and neither the log nor a serial console is to be filled by a flood. A ward
// that boots at once stays below.
const (
	linesPerSecond = 200
	linesAtOnce    = 1000
)

// pass says whether one more line may be written at that time, and how many were left out
// before it.
func (r *ring) pass(at time.Time) (left int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rate == nil {
		r.rate = rate.NewLimiter(linesPerSecond, linesAtOnce)
	}
	if !r.rate.AllowN(at, 1) {
		r.left++
		return 0, false
	}
	left, r.left = r.left, 0
	return left, true
}

func (r *ring) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == ringLines {
		r.kept = slices.Delete(r.kept, 0, 1)
	}
	r.kept = append(r.kept, line)
}

func (r *ring) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.kept)
}
