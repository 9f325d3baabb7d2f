package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/appliance/network"
)

// WatchEvery is how often a watcher asks. Another PXE server is to be found within
// 60 s, and one question in a row may be lost: two fit.
const WatchEvery = 25 * time.Second

// Watcher looks out for other PXE servers on one segment, and listens to the switch.
// Its fields are set before Run and not changed after; functions are called by one
// goroutine.
type Watcher struct {
	Interface string
	// Network is the present state of the box's links, by which its own answers are
	// known: by hardware address, since anybody can answer under ours.
	Network func() network.Snapshot
	// Known lists the PXE servers that policy accepts.
	Known func() []string
	// Rivals is shared by the watchers of all segments.
	Rivals *Rivals
	// Appeared is told of each new one, Gone of each that has been silent for ten
	// minutes.
	Appeared, Gone func(Rival)
	// Heard is told of each answer of another server to a machine; nil: nobody is.
	Heard func(Offer)
	Now   func() time.Time
	Every time.Duration // 0: WatchEvery

	port listening
}

// Run asks and listens until ctx ends, then returns nil. Answers to machines are heard
// too: a server that answers known machines only betrays itself by them.
func (w *Watcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.port.run(ctx, w.Interface, w.Now) })
	g.Go(func() error { return w.watch(ctx) })
	return g.Wait()
}

func (w *Watcher) watch(ctx context.Context) error {
	wire, err := openWire(w.Interface)
	if err != nil {
		return err
	}
	defer wire.conn.Close()
	every := w.Every
	if every == 0 {
		every = WatchEvery
	}
	for ctx.Err() == nil {
		if err := wire.ask(BIOS, UEFI); err != nil && !errors.Is(err, unix.ENETDOWN) {
			return fmt.Errorf("look out for other PXE servers: %w", err)
		}
		if err := wire.hear(ctx, time.Now().Add(every), w.heard); err != nil {
			return err
		}
		for _, r := range w.Rivals.Gone(w.Interface, w.Now()) {
			w.Gone(r)
		}
	}
	return nil
}

func (w *Watcher) heard(o Offer) {
	o, others := o.foreign(w.Network())
	if !others {
		return
	}
	if r, news := w.Rivals.Heard(o, w.Known(), w.Now()); news {
		w.Appeared(r)
	}
	if w.Heard != nil && o.Question == "" {
		w.Heard(o)
	}
}
