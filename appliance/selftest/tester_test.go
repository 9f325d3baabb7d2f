package selftest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network"
)

// cables are two interfaces of which one hangs on nothing; a test of it needs no
// socket.
type cables struct{ asked chan struct{} }

func (c cables) Interfaces() []string       { return []string{"eth0", "eth1"} }
func (c cables) GivesAddresses(string) bool { return false }
func (c cables) Known() []string            { return nil }
func (c cables) Network() network.Snapshot {
	c.asked <- struct{}{}
	return network.Snapshot{Links: []network.Link{{Index: 1, Name: "eth0"}, {Index: 2, Name: "eth1"}}}
}

// TestOneAtATime: who comes while a test runs is sent away; a test of one interface
// leaves what is known of the others.
func TestOneAtATime(t *testing.T) {
	c := cables{make(chan struct{})}
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	told := make(chan struct{}, 10)
	tester := &Tester{Box: c, Now: func() time.Time { return at }, Changed: func() { told <- struct{}{} }}
	if !tester.Last().Time.IsZero() {
		t.Error("a result before the first test")
	}
	type result struct {
		api.SelfTest
		err error
	}
	results := make(chan result, 1)
	begin := func(ctx context.Context, iface string) {
		go func() { r, err := tester.Run(ctx, iface); results <- result{r, err} }()
		<-c.asked
	}
	begin(t.Context(), "")
	if _, err := tester.Run(t.Context(), ""); !errors.Is(err, ErrBusy) {
		t.Errorf("while a test runs: %v", err)
	}
	<-c.asked
	first := <-results
	if len(told) != 1 {
		t.Error("the result is told nobody")
	}
	if first.err != nil || len(first.Segments) != 2 || first.Segments[1].Interface != "eth1" || first.Segments[0].Findings[0].Severity != api.FindingProblem {
		t.Errorf("all: %+v", first)
	}
	at = at.Add(time.Hour)
	begin(t.Context(), "eth1")
	if r := <-results; r.err != nil || len(r.Segments) != 1 || r.Segments[0].Interface != "eth1" {
		t.Errorf("one: %+v", r)
	}
	if last := tester.Last(); len(last.Segments) != 2 || !last.Time.Equal(at) || !last.Segments[0].Time.Equal(at) || !last.Segments[1].Time.Equal(first.Time) {
		t.Errorf("kept: %+v", last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin(ctx, "eth1")
	if r := <-results; !errors.Is(r.err, context.Canceled) {
		t.Errorf("given up: %+v", r)
	}
}
