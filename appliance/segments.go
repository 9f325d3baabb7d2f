package appliance

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/internal/supervisor"
)

// segments tells the self-test of its box.
type segments struct{ b *Box }

func (s segments) Interfaces() []string      { return s.b.pxeInterfaces() }
func (s segments) Network() network.Snapshot { return s.b.watch.State() }

func (s segments) GivesAddresses(iface string) bool {
	return modeOf(s.b.o.Config.Interfaces, iface) == PXEDHCP
}

func (s segments) Known() []string {
	if p := s.b.snapshot(); p != nil {
		return p.Box.PXE.KnownPXEServers
	}
	return nil
}

// watcher looks out for other PXE servers on an interface.
func (b *Box) watcher(iface string, log *slog.Logger) *selftest.Watcher {
	w := &selftest.Watcher{
		Interface: iface, Rivals: &b.rivals, Known: segments{b}.Known, Now: time.Now,
		Network: b.watch.State, Heard: b.flight.overheard,
		Appeared: func(r selftest.Rival) {
			log.Warn(r.String())
			b.flight.alarm(r.MAC, "", r.String())
			b.changed.Notify()
			b.news.Notify()
		},
		Gone: func(r selftest.Rival) {
			log.Info("another PXE server has gone", "server", r.Server.String(), "mac", r.MAC)
		},
	}
	b.tester.Watch(w)
	return w
}

const (
	addressWait = time.Minute      // for an address of the box, before the first test
	switchWait  = 70 * time.Second // for what the switch says, before the second
)

// testSegments tests the segments once policy is there, and again if the switch had
// not said by then which port it is. It ends then.
func (b *Box) testSegments(ctx context.Context) error {
	if !b.until(ctx, 0, func() bool { return b.link.Policy() != nil }) {
		return nil
	}
	b.until(ctx, addressWait, func() bool { return b.facts().Answers })
	for range 2 {
		t, err := b.tester.Run(ctx, "")
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, selftest.ErrBusy):
			return err
		case err == nil && !slices.ContainsFunc(t.Segments, func(s api.Segment) bool { return s.Switch == nil }):
			return nil
		}
		if !supervisor.Sleep(ctx, switchWait) {
			return nil
		}
	}
	return nil
}

// until waits for something that the console shows; false when ctx ended or the time
// is up, which 0 never is.
func (b *Box) until(ctx context.Context, most time.Duration, so func() bool) bool {
	if most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	for {
		changed := b.changed.Changed()
		if so() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// tested is the last test of the segments, nil before the first.
func (b *Box) tested() *api.SelfTest {
	if t := b.tester.Last(); !t.Time.IsZero() {
		return &t
	}
	return nil
}
