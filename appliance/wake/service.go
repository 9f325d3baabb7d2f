package wake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

const (
	// lookEvery is how often assignments are looked at: they come to the minute.
	lookEvery = 20 * time.Second
	// pace lies between two machines: five a second, so that a ward does not
	// start its power supplies, and its downloads, in one moment.
	pace = 200 * time.Millisecond
)

// Memory keeps who was woken, over a restart of the box.
type Memory interface {
	// Woken says which computers, by ID, were woken for an occurrence.
	Woken(ctx context.Context, advertisement string, occurrence time.Time) (map[string]bool, error)
	// Woke keeps, durably, that a computer is woken.
	Woke(ctx context.Context, advertisement string, occurrence time.Time, computer string, now time.Time) error
}

// Service wakes machines when their assignments come. Its fields are set before
// Run and not changed after.
type Service struct {
	// Policy is the policy in force, nil before there is one; Changed closes its
	// channel at the next change.
	Policy  func() *policy.Evaluator
	Changed func() <-chan struct{}
	// Decide says what a computer may run now, with all that the box remembers.
	Decide func(ctx context.Context, c *osd.Computer, where string) (policy.Decision, error)
	// Stopped says why the wipe interlock has stopped the box, "" if it goes on.
	Stopped func(ctx context.Context) (string, error)
	Memory  Memory
	// Interfaces are those that PXE is answered on.
	Interfaces func() []string
	Send       func(ctx context.Context, iface string, macs []net.HardwareAddr) error
	// Note is told of each machine that was called, and what went wrong.
	Note func(c Call, err error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Run wakes machines until ctx ends; then it returns nil. What fails is tried
// again at the next look.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		changed := s.Changed()
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("machines are not woken, tried again", "error", err)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look wakes the machines of all assignments that have come.
func (s *Service) Look(ctx context.Context) error {
	e, interfaces := s.Policy(), s.Interfaces()
	if e == nil || len(interfaces) == 0 {
		return nil
	}
	var errs []error
	for _, a := range Due(e.Snapshot().Advertisements, s.Now()) {
		if err := s.wake(ctx, e, a, interfaces); err != nil {
			errs = append(errs, fmt.Errorf("wake for %s: %w", a.Advertisement.Name, err))
		}
	}
	return errors.Join(errs...)
}

// wake calls the machines of one assignment that were not called yet.
func (s *Service) wake(ctx context.Context, e *policy.Evaluator, a Assignment, interfaces []string) error {
	woken, err := s.Memory.Woken(ctx, a.Advertisement.ID, a.Occurrence)
	if err != nil {
		return err
	}
	for _, c := range e.Members(a.Advertisement.Collection, s.Now()) {
		if woken[c.ID] {
			continue
		}
		stopped, err := s.Stopped(ctx)
		if err != nil {
			return err
		}
		d, err := s.Decide(ctx, c, a.Where())
		if err != nil {
			return err
		}
		call, ok := a.Call(c, &d, &e.Snapshot().Settings, stopped)
		if !ok {
			continue
		}
		// First the memory: a box that fails here forever must not call forever.
		if err := s.Memory.Woke(ctx, a.Advertisement.ID, a.Occurrence, c.ID, s.Now()); err != nil {
			return err
		}
		s.call(ctx, call, interfaces)
		if !supervisor.Sleep(ctx, pace) {
			return ctx.Err()
		}
	}
	return nil
}

// Call wakes computers, by ID, because a person said so: whatever is due.
func (s *Service) Call(ctx context.Context, computers []string, why string) {
	e, interfaces := s.Policy(), s.Interfaces()
	if e == nil {
		return
	}
	for _, id := range computers {
		c := e.Computer(id)
		if c == nil {
			continue
		}
		call := Call{Computer: c, Why: why, MACs: addresses(c, &e.Snapshot().Settings)}
		if len(call.MACs) == 0 || len(interfaces) == 0 {
			s.Log.Warn("wake packet not sent: no address of its own, or no interface on which PXE is answered", "computer", c.Name)
			continue
		}
		s.call(ctx, call, interfaces)
		if !supervisor.Sleep(ctx, pace) {
			return
		}
	}
}

// call sends the packets of one machine on every interface.
func (s *Service) call(ctx context.Context, c Call, interfaces []string) {
	var errs []error
	for _, iface := range interfaces {
		errs = append(errs, s.Send(ctx, iface, c.MACs))
	}
	err := errors.Join(errs...)
	if err != nil {
		s.Log.Warn("wake packet not sent", "computer", c.Computer.Name, "for", c.Why, "error", err)
	} else {
		s.Log.Info("machine woken", "computer", c.Computer.Name, "for", c.Why)
	}
	s.Note(c, err)
}
