package selftest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network"
)

// Wait is how long the box waits for answers to its questions: servers that test an
// address before they offer it need a second or two (RFC 2131 section 3.1), and PXE
// servers may delay their answers. Path is asked meanwhile.
const Wait = 6 * time.Second

// Box is what the test must know of its box. Its methods are called by several
// goroutines.
type Box interface {
	// Interfaces are those on which PXE is answered now.
	Interfaces() []string
	// Network is the present state of the links.
	Network() network.Snapshot
	// GivesAddresses says whether the box is the DHCP server on an interface.
	GivesAddresses(iface string) bool
	// Known lists the PXE servers that policy accepts.
	Known() []string
}

// Tester tests the segments of a box, one test at a time, and keeps the last result.
// Its fields are set before use.
type Tester struct {
	Box Box
	Now func() time.Time
	// Changed is called when there is a new result; may be nil.
	Changed func()
	Wait    time.Duration // 0: Wait

	once    sync.Once
	turn    chan struct{}
	mu      sync.Mutex
	last    api.SelfTest
	watch   map[string]*Watcher
	machine map[string]*Reactions
}

// Reasons for which there is no test.
var (
	// ErrBusy: a test is running.
	ErrBusy = errors.New("a test is running")
	// ErrNoInterface: the box answers PXE nowhere, or not on the one that was named.
	ErrNoInterface = errors.New("the box does not answer PXE there")
)

// Last is the last result; its Time is zero before the first.
func (t *Tester) Last() api.SelfTest {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// Watch lets a test know what a watcher hears; call it before the watcher runs.
func (t *Tester) Watch(w *Watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watch == nil {
		t.watch = map[string]*Watcher{}
	}
	t.watch[w.Interface] = w
}

// Reactions counts for an interface.
func (t *Tester) Reactions(iface string) *Reactions {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.machine == nil {
		t.machine = map[string]*Reactions{}
	}
	if t.machine[iface] == nil {
		t.machine[iface] = &Reactions{}
	}
	return t.machine[iface]
}

// Run tests the interface of that name, or all when it is empty. What was known of
// others is kept in the result.
func (t *Tester) Run(ctx context.Context, iface string) (api.SelfTest, error) {
	t.once.Do(func() { t.turn = make(chan struct{}, 1) })
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	default:
		return api.SelfTest{}, ErrBusy
	}
	names := t.Box.Interfaces()
	if iface != "" {
		names = slices.DeleteFunc(names, func(n string) bool { return n != iface })
	}
	if len(names) == 0 {
		return api.SelfTest{}, ErrNoInterface
	}
	segments := make([]api.Segment, len(names))
	var g errgroup.Group
	for i, n := range names {
		g.Go(func() error { segments[i] = Judge(t.observe(ctx, n)); return nil })
	}
	g.Wait()
	if err := ctx.Err(); err != nil {
		return api.SelfTest{}, err
	}
	return t.keep(segments, iface == ""), nil
}

func (t *Tester) keep(segments []api.Segment, all bool) api.SelfTest {
	t.mu.Lock()
	result := api.SelfTest{Time: t.Now().UTC().Truncate(time.Second), Segments: segments}
	for i := range segments {
		segments[i].Time = result.Time
	}
	kept := api.SelfTest{Time: result.Time, Segments: slices.Clone(segments)}
	for _, old := range t.last.Segments {
		if !all && old.Interface != segments[0].Interface {
			kept.Segments = append(kept.Segments, old)
		}
	}
	t.last = kept
	t.mu.Unlock()
	if t.Changed != nil {
		t.Changed()
	}
	return result
}

// observe looks at one interface.
func (t *Tester) observe(ctx context.Context, iface string) Observed {
	n := t.Box.Network()
	link, _ := n.Link(iface)
	o := Observed{Interface: iface, Carrier: link.Carrier, MTU: link.MTU, Address: n.Source(iface, netip.Addr{}), GivesAddresses: t.Box.GivesAddresses(iface), Known: t.Box.Known()}
	if !o.Carrier {
		return o
	}
	wait := t.Wait
	if wait == 0 {
		wait = Wait
	}
	var g errgroup.Group
	var pathErr error
	g.Go(func() error { o.Path, pathErr = path(ctx, iface, link.MTU, wait); return nil })
	offers, err := Ask(ctx, iface, wait, Questions...)
	g.Wait()
	for _, err := range []error{err, pathErr} {
		if err != nil {
			o.Trouble = append(o.Trouble, err.Error())
		}
	}
	for _, f := range offers {
		if f, others := f.foreign(n); others {
			o.Offers = append(o.Offers, f)
		}
	}
	t.remember(&o)
	return o
}

// remember adds what the box has seen in the time before.
func (t *Tester) remember(o *Observed) {
	now := t.Now()
	o.Deaf, o.Reacted = t.Reactions(o.Interface).Deaf(now)
	t.mu.Lock()
	w := t.watch[o.Interface]
	t.mu.Unlock()
	if w == nil {
		return
	}
	port := w.port.now(now)
	o.Switch = port.port
	if !port.since.IsZero() {
		o.Listened = now.Sub(port.since)
	}
	o.AsksWho = !port.eapol.IsZero() && now.Sub(port.eapol) < reactsWithin
}

func path(ctx context.Context, iface string, mtu int, wait time.Duration) (*Path, error) {
	peer, err := network.Gateway(iface)
	if err != nil || !peer.IsValid() {
		return nil, err
	}
	p, err := Ping(ctx, iface, peer, mtu, wait)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// Owns says whether a hardware address is one of the box's links.
func Owns(n network.Snapshot, mac net.HardwareAddr) bool {
	return slices.ContainsFunc(n.Links, func(l network.Link) bool { return len(mac) > 0 && bytes.Equal(l.MAC, mac) })
}
