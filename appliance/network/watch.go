package network

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// settle is how long changes are gathered before the state is read again: a link
// that comes up reports a dozen of them.
const settle = 50 * time.Millisecond

// Watcher follows the links. Its methods may be called by several goroutines.
type Watcher struct {
	conn    *rtnetlink.Conn // subscribed
	changed func(before, after Snapshot)
	state   atomic.Pointer[Snapshot]
}

// Watch subscribes to changes and reads the present state. changed is called by Run,
// one call at a time, with the states before and after each change of links or
// addresses; nil if nobody wants to know.
func Watch(changed func(before, after Snapshot)) (*Watcher, error) {
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	c, err := rtnetlink.Dial(&netlink.Config{Groups: groups})
	if err != nil {
		return nil, fmt.Errorf("network: subscribe to changes: %w", err)
	}
	w := &Watcher{conn: c, changed: changed}
	s, err := Read()
	if err != nil {
		c.Close()
		return nil, err
	}
	w.state.Store(&s)
	return w, nil
}

// State is the last known state. Neighbours are those of the last change of links or
// addresses; Read gives fresh ones.
func (w *Watcher) State() Snapshot { return *w.state.Load() }

// Source returns a function that gives the address to answer from on the link, as
// Snapshot.Source does for everybody.
func (w *Watcher) Source(link string) func() netip.Addr {
	return func() netip.Addr { return w.State().Source(link, netip.Addr{}) }
}

// Run follows changes until ctx ends, then closes the watcher and returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.conn.Close()
	stop := context.AfterFunc(ctx, func() { w.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	dirty := make(chan struct{}, 1)
	failed := make(chan error, 1)
	go func() { failed <- w.receive(ctx, dirty) }()
	for {
		select {
		case <-ctx.Done():
			<-failed
			return nil
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-dirty:
		}
		if err := w.refresh(ctx); err != nil {
			w.conn.SetReadDeadline(time.Unix(1, 0))
			<-failed
			return err
		}
	}
}

// receive marks the state as out of date at each message. What a message says is not
// used: the state is read again, so that a lost one (ENOBUFS) does no harm.
func (w *Watcher) receive(ctx context.Context, dirty chan<- struct{}) error {
	for {
		_, _, err := w.conn.Receive()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !passing(err) {
			return fmt.Errorf("network: wait for changes: %w", err)
		}
		select {
		case dirty <- struct{}{}:
		default:
		}
	}
}

// refresh waits until the changes have settled, reads the state and reports it.
func (w *Watcher) refresh(ctx context.Context) error {
	t := time.NewTimer(settle)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-t.C:
	}
	after, err := Read()
	if err != nil {
		return err
	}
	before := w.State()
	w.state.Store(&after)
	if w.changed != nil && !(reflect.DeepEqual(before.Links, after.Links) && reflect.DeepEqual(before.Addresses, after.Addresses)) {
		w.changed(before, after)
	}
	return nil
}
