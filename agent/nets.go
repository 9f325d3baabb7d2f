package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/rootfs/network"
)

// resolvConf is where the name servers stand.
const resolvConf = "/etc/resolv.conf"

// nets are the adapters of the machine, each by DHCP or with a static address. Only the
// flow of the boot image has them; one goroutine uses them.
type nets struct {
	running context.Context // the DHCP clients renew their leases until it ends
	log     *slog.Logger
	work    *sync.WaitGroup
	leases  chan leased
	clients map[string]*dhcpClient
	static  map[string]network.Config // by adapter
	up      bool                      // there was an address
}

type leased struct {
	link  network.Link
	lease network.Lease
}

// dhcpClient is a client that can be ended.
type dhcpClient struct {
	stop  context.CancelFunc
	ended chan struct{}
}

func newNets(running context.Context, log *slog.Logger, work *sync.WaitGroup) *nets {
	return &nets{running: running, log: log, work: work, leases: make(chan leased, 64),
		clients: map[string]*dhcpClient{}, static: map[string]network.Config{}}
}

// dhcp asks for an address for a link, unless that is done, or it has a static one.
func (n *nets) dhcp(l network.Link) {
	if _, static := n.static[l.Name]; static || n.clients[l.Name] != nil {
		return
	}
	ctx, cancel := context.WithCancel(n.running)
	d := &dhcpClient{stop: cancel, ended: make(chan struct{})}
	n.clients[l.Name] = d
	c := &network.Client{Link: l.Name, Options: network.Options{Log: n.log}, Changed: func(lease network.Lease) {
		select {
		case n.leases <- leased{l, lease}:
		default: // somebody has taken one long ago
		}
	}}
	n.work.Go(func() {
		defer close(d.ended)
		if err := c.Run(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("dhcp ended", "link", l.Name, "error", err)
		}
	})
}

// release ends what a link has by DHCP or by hand, and takes its addresses off.
func (n *nets) release(ctx context.Context, l network.Link) error {
	if d := n.clients[l.Name]; d != nil {
		d.stop()
		<-d.ended
		delete(n.clients, l.Name)
	}
	delete(n.static, l.Name)
	var errs []error
	for _, a := range l.Addrs {
		if a.Addr().Is4() {
			errs = append(errs, network.Remove(ctx, l.Name, a))
		}
	}
	return errors.Join(errs...)
}

// fix gives a link a static address.
func (n *nets) fix(ctx context.Context, l network.Link, c network.Config) error {
	if err := n.release(ctx, l); err != nil {
		return err
	}
	n.static[l.Name] = c
	if err := network.Configure(ctx, l.Name, c); err != nil {
		return err
	}
	if len(c.DNS) == 0 {
		return nil
	}
	return network.WriteResolv(resolvConf, c)
}

// adapters are the adapters as they are now.
func (n *nets) adapters(ctx context.Context) []wizard.Adapter {
	var out []wizard.Adapter
	for _, l := range ethernet(ctx) {
		a := wizard.Adapter{Name: l.Name, MAC: l.MAC.String(), Carrier: l.Carrier}
		for _, p := range l.Addrs {
			if p.Addr().Is4() {
				a.Addresses = append(a.Addresses, p.String())
			}
		}
		out = append(out, a)
	}
	return out
}

func ethernet(ctx context.Context) []network.Link {
	links, err := network.Links(ctx)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(links, func(l network.Link) bool { return l.Loopback })
}

// Bounds of the test of new settings.
const (
	leasePatience = 30 * time.Second
	boxPatience   = 20 * time.Second
)

// try puts settings in place and tests them: answers has to return nil. If it does not,
// the link gets back what it had. What fails there too is told.
func (n *nets) try(ctx context.Context, s wizard.Settings, answers func(ctx context.Context) error) error {
	links := ethernet(ctx)
	i := slices.IndexFunc(links, func(l network.Link) bool { return l.Name == s.Adapter })
	if i < 0 {
		return fmt.Errorf("adapter %s is gone", s.Adapter)
	}
	l, was := links[i], n.static[s.Adapter]
	err := n.use(ctx, l, network.Config{Address: s.Address, Gateway: s.Gateway, DNS: s.DNS})
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, boxPatience)
		defer cancel()
		if err = answers(limited); err != nil {
			err = fmt.Errorf("the box does not answer with these settings, so that they were taken back (%w); compare them with a machine beside this one", err)
		}
	}
	if err == nil {
		n.up = true
		return nil
	}
	n.log.Warn("network settings", "component", "TSPXE", "link", l.Name, "error", err)
	for _, now := range ethernet(ctx) {
		if now.Name == l.Name {
			l = now // with the address that is to go
		}
	}
	return errors.Join(err, n.back(ctx, l, was))
}

// use gives a link a static address, or one by DHCP, and waits for that.
func (n *nets) use(ctx context.Context, l network.Link, c network.Config) error {
	if c.Address.IsValid() {
		return n.fix(ctx, l, c)
	}
	if err := n.release(ctx, l); err != nil {
		return err
	}
	n.forget(l.Name)
	n.dhcp(l)
	return n.wait(ctx, l.Name)
}

// forget drops the leases that a link had: the one to come counts. Those of others do, too.
func (n *nets) forget(name string) {
	for {
		select {
		case g := <-n.leases:
			n.up = n.up || g.link.Name != name
		default:
			return
		}
	}
}

// wait waits for the lease of a link.
func (n *nets) wait(ctx context.Context, name string) error {
	limited, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	for {
		select {
		case g := <-n.leases:
			if g.link.Name == name {
				return nil
			}
			n.up = true // another one has an address: a search need not wait for its next lease
		case <-limited.Done():
			return fmt.Errorf("no DHCP server gave %s an address within %s: check the cable, or give a static address", name, leasePatience)
		}
	}
}

// back gives a link what it had before; nobody waits for its lease.
func (n *nets) back(ctx context.Context, l network.Link, was network.Config) error {
	if was.Address.IsValid() {
		return n.fix(ctx, l, was)
	}
	err := n.release(ctx, l)
	n.dhcp(l)
	return err
}

// networkPage lets the person set the network, and turns to its page if that is what he
// pressed the key for.
func (s *session) networkPage(ctx context.Context, w *wizard.Wizard, open bool) {
	if s.nets == nil {
		return
	}
	w.Adapters(s.nets.adapters(ctx))
	if open {
		w.OpenNetwork()
	}
}

// refresh shows on the page of the network the adapters as they are: a lease comes when it comes.
func (s *session) refresh(ctx context.Context, w *wizard.Wizard) {
	if s.nets != nil && w.Page() == wizard.Network {
		w.Adapters(s.nets.adapters(ctx))
	}
}

// setNetwork shows the page of the network alone: no box was found yet.
func (s *session) setNetwork(ctx context.Context) {
	w := wizard.New(s.about(api.Offers{}), api.Offers{})
	s.networkPage(ctx, w, true)
	s.console.Forget()
	defer s.console.Again()
	for w.Page() == wizard.Network {
		s.refresh(ctx, w)
		s.console.Page(w.Lines())
		k, ok := s.key(ctx, idle)
		if !ok {
			return
		}
		switch w.Press(k) {
		case wizard.GiveUp:
			return
		case wizard.TryNetwork:
			s.console.Page(w.Lines())
			w.Tested(s.tryNetwork(ctx, w.Wanted()))
			s.console.Forget()
		}
	}
}

// tryNetwork tries what the person set. The connections to the box are made anew.
func (s *session) tryNetwork(ctx context.Context, wanted wizard.Settings) ([]wizard.Adapter, error) {
	err := s.nets.try(ctx, wanted, func(ctx context.Context) error {
		_, err := s.meet(ctx)
		return err
	})
	if err == nil {
		s.network = present(ctx)
	}
	if s.client != nil {
		s.client.Close()
	}
	return s.nets.adapters(ctx), err
}

// meet finds the box where it was, or else by asking the segments, and says who it is.
func (s *session) meet(ctx context.Context) (box job.Box, err error) {
	box = s.met
	if box.Address == "" {
		if box, err = findBox(ctx); err != nil {
			return box, err
		}
	}
	hello, err := point.FirstHello(ctx, s.anchor, box.Address, s.clock)
	if err != nil {
		return box, err
	}
	setClock(hello.Time, s.log)
	if box.Name = hello.BoxName; s.met.Name != box.Name {
		s.console.Line("box %s of site %s at %s", hello.BoxName, hello.Site, box.Address)
	}
	s.met = box
	return box, nil
}
