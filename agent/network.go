package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/rootfs/network"
)

// addresses is what is known of the network that the machine is deployed through.
type addresses struct {
	mac      string // of the adapter that got the first lease
	ips      []string
	gateways []string
}

// configure brings all links up by DHCP, in the background, and returns when the
// first has an address, or found ends. One that a person gave counts at once.
func (n *nets) configure(found context.Context) (addresses, error) {
	links, err := network.WaitLink(found)
	if err != nil {
		return addresses{}, fmt.Errorf("find a network adapter: %w; has the boot image the driver of this machine's adapter?", err)
	}
	for _, l := range links {
		n.dhcp(l)
	}
	if n.up {
		return present(found), nil
	}
	select {
	case <-found.Done():
		return addresses{}, fmt.Errorf("no address by DHCP on %d links: %w; check the cable and the DHCP server", len(links), found.Err())
	case g := <-n.leases:
		n.up = true
		a := addresses{mac: g.link.MAC.String(), ips: []string{g.lease.Address.Addr().String()}}
		if g.lease.Gateway.IsValid() {
			a.gateways = []string{g.lease.Gateway.String()}
		}
		return a, nil
	}
}

// present reads the addresses that the installed system has.
func present(ctx context.Context) addresses {
	var a addresses
	links, err := network.Links(ctx)
	if err != nil {
		return a
	}
	for _, l := range links {
		for _, p := range l.Addrs {
			if l.Loopback || p.Addr().IsLinkLocalUnicast() {
				continue
			}
			a.ips = append(a.ips, p.Addr().String())
			if a.mac == "" {
				a.mac = l.MAC.String()
			}
		}
	}
	return a
}

// findBox asks all links for the box at once.
func findBox(ctx context.Context) (job.Box, error) {
	links, err := network.Links(ctx)
	if err != nil {
		return job.Box{}, err
	}
	links = slices.DeleteFunc(links, func(l network.Link) bool { return l.Loopback })
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	type answer struct {
		box network.Box
		err error
	}
	answers := make(chan answer, len(links))
	for _, l := range links {
		go func() {
			b, err := network.DiscoverBox(ctx, l.Name)
			answers <- answer{b, err}
		}()
	}
	var errs []error
	for range links {
		a := <-answers
		if a.err == nil && a.box.Address != (netip.Addr{}) {
			return job.Box{Address: a.box.Address.String(), Name: a.box.ID}, nil
		}
		errs = append(errs, a.err)
	}
	return job.Box{}, fmt.Errorf("look for the box: %w", errors.Join(errs...))
}

// How a session looks for a box that has been away.
const (
	searchTime  = 15 * time.Second // the segment is asked
	searchPause = 30 * time.Second // between searches
)

// follow looks on the segment for the job's box, which may have another address by now, and
// has all connections go there. Another box of the site is none that holds the job.
func (s *session) follow(ctx context.Context) {
	if !s.searches.TryLock() {
		return
	}
	defer s.searches.Unlock()
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	var box job.Box
	if err := s.folder.ReadJSON(job.FileBox, &box); err != nil {
		return
	}
	look := s.look
	if look == nil {
		look = findBox
	}
	found, err := look(ctx)
	if err != nil || found.Address == box.Address {
		return
	}
	hello, err := point.FirstHello(ctx, s.anchor, found.Address, s.clock)
	if err != nil || hello.BoxName != box.Name {
		s.log.Warn("another box answers", "address", found.Address, "box", hello.BoxName, "error", err)
		return
	}
	box.Address = found.Address
	s.client.Move(box.Address)
	s.console.Line("box %s is at %s now", box.Name, box.Address)
	s.log.Info("the box has another address", "box", box.Name, "address", box.Address)
	if err := s.folder.WriteJSON(job.FileBox, box); err != nil {
		s.log.Warn("note the address of the box", "error", err)
	}
}
