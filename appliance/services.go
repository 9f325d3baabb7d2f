package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/internal/supervisor"
)

// service builds one service of the plan. Sockets are opened when it runs, so
// that a restart opens them anew.
func (b *Box) service(s Spec) supervisor.Service {
	log := b.super.Logger(s.Name)
	switch s.Kind {
	case KindNetwork:
		return supervisor.Func(func(ctx context.Context) error { return b.o.Address(ctx, s.Interface, log) })
	case KindRouter:
		return supervisor.Func(func(ctx context.Context) error {
			a := &network.Advertiser{Interface: s.Interface.Name, Log: log}
			if err := a.Listen(ctx); err != nil {
				return err
			}
			return a.Run(ctx)
		})
	case KindSegment:
		return supervisor.Func(b.watcher(s.Interface.Name, log).Run)
	case KindSelfTest:
		return supervisor.Func(b.testSegments)
	case KindDHCP:
		return supervisor.Func(func(ctx context.Context) error { return b.runDHCP(ctx, s.Interface, log) })
	case KindTFTP:
		return supervisor.Func(func(ctx context.Context) error { return b.runTFTP(ctx, log) })
	case KindWake:
		return b.waking(log)
	case KindHTTP:
		return supervisor.Func(func(ctx context.Context) error { return b.runHTTP(ctx, log) })
	case KindHTTPS:
		return supervisor.Func(b.runHTTPS)
	case KindMetrics:
		return supervisor.Func(b.runMetrics)
	case KindConsole:
		return b.newConsole()
	case KindEnrol:
		return b.link.Enrol(log)
	case KindPolicy:
		return b.link.FollowPolicy(log)
	case KindContent:
		return b.sync.Service(log)
	case KindCheckIn:
		return b.link.CheckIn(b.checkIn, b.news.Changed, log)
	case KindOutbox:
		return b.link.SendOutbox(b.store, log)
	case KindLogs:
		return b.link.SendLogs(b.jobLog, log)
	case KindCaretake:
		return supervisor.Func(b.caretake)
	}
	return supervisor.Func(func(context.Context) error { return supervisor.Fatal(fmt.Errorf("no service of kind %q", s.Kind)) })
}

func (b *Box) runDHCP(ctx context.Context, n Interface, log *slog.Logger) error {
	listen := dhcp.Listen
	if n.PXE == PXEProxy4011 {
		listen = dhcp.ListenProxy
	}
	sockets, err := listen(n.Name)
	if err != nil {
		return err
	}
	defer sockets.Close()
	self := pxe.Server{HTTPPort: b.o.Config.Ports.HTTP}
	reactions := b.tester.Reactions(n.Name)
	srv := &dhcp.Server{
		Mode: dhcp.Proxy, RelayedOnly: n.PXE == PXERelay, Sockets: sockets, Address: b.watch.Source(n.Name), Observe: b.flight.dhcp, Log: log,
		Handler: func(ctx context.Context, p dhcp.Packet) dhcp.Reply {
			s := self
			if id := b.link.Identity(); id != nil {
				s.BoxID, s.SiteCode = id.Box, id.Site
			}
			r := pxe.Handler(b.intent, s)(ctx, p)
			reactions.Note(p, r, time.Now())
			return r
		},
	}
	if n.PXE == PXEDHCP {
		srv.Mode = dhcp.DHCP
		if srv.Leases, err = b.openPools(ctx, n); err != nil {
			return err
		}
	}
	b.setAnswering(n.Name, true)
	defer b.setAnswering(n.Name, false)
	return srv.Run(ctx)
}

// openPools opens the leases of the interface's own segment and of those behind relays.
func (b *Box) openPools(ctx context.Context, n Interface) (dhcp.Pools, error) {
	var all dhcp.Pools
	for i, r := range append([]Range{n.Range}, n.Relayed...) {
		inUse := func(ctx context.Context, a netip.Addr) (bool, error) { return network.InUse(ctx, n.Name, a) }
		if i > 0 {
			inUse = network.Answers
		}
		p, err := dhcp.OpenPool(ctx, dhcp.Range(r), b.store, inUse)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (b *Box) setAnswering(name string, on bool) {
	b.mu.Lock()
	b.answering[name] = on
	b.mu.Unlock()
	b.changed.Notify()
}

func (b *Box) runTFTP(ctx context.Context, log *slog.Logger) error {
	conn, err := tftp.Listen(ctx, "0.0.0.0:69", "")
	if err != nil {
		return err
	}
	return (&tftp.Server{Conn: conn, Open: b.openTFTP, Done: b.doneTFTP, Log: log}).Run(ctx)
}

func (b *Box) runHTTP(ctx context.Context, log *slog.Logger) error {
	l, err := httpboot.Listen(ctx, port(b.o.Config.Ports.HTTP))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/boot/", &httpboot.Handler{Open: b.openHTTP, Done: b.doneHTTP, Log: log})
	return (&httpboot.Server{Listener: l, Handler: mux}).Run(ctx)
}

// runHTTPS waits for the enrolment: before it, the box has no name to prove.
func (b *Box) runHTTPS(ctx context.Context) error {
	for {
		changed := b.link.Changed()
		if b.link.Identity() != nil {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	l, err := httpboot.Listen(ctx, port(b.o.Config.Ports.HTTPS))
	if err != nil {
		return err
	}
	h, err := b.handler()
	if err != nil {
		return errors.Join(supervisor.Fatal(err), l.Close())
	}
	return b.point.ServeAll(ctx, l, h)
}

func port(p uint16) string { return fmt.Sprintf("0.0.0.0:%d", p) }

// caretakeEvery is how often the box tidies up.
const caretakeEvery = 10 * time.Minute

// caretake closes jobs that cannot come back, and carries out what a new policy
// orders.
func (b *Box) caretake(ctx context.Context) error {
	tick := time.NewTicker(caretakeEvery)
	defer tick.Stop()
	for {
		changed := b.link.Changed()
		for _, do := range []func(context.Context) error{b.point.CarryOut, b.point.CloseAbandoned} {
			if err := do(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
