package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/net/ipv4"
)

// DefaultWorkers is how many packets of one port are answered at once. A slow
// decision holds up one of them only. In dhcp mode each new client is held up, by the
// question whether its address is free, so there are more.
const (
	DefaultWorkers = 8
	leaseWorkers   = 64
)

// maxMessage is the longest message that is read, in bytes: what one Ethernet frame
// holds. Clients may count on 576 (RFC 2131 section 2); what is longer is dropped.
const maxMessage = 1500 - 28

// Server answers DHCP clients on one interface. Its fields are set before Run
// and not changed after.
type Server struct {
	Mode Mode
	// RelayedOnly leaves alone whoever broadcasts on the own segment: only what a
	// relay hands on is answered, and port 4011.
	RelayedOnly bool
	Sockets     *Sockets
	// Address gives our address on the interface, asked for every packet; the
	// zero Addr while there is none.
	Address func() netip.Addr
	Handler Handler
	Leases  Pools        // dhcp mode only
	Observe func(Event)  // may be nil; called from several goroutines, must not block
	Log     *slog.Logger // one line per transaction
	Workers int          // 0: DefaultWorkers

	count counters
	known transactions
	lines lines
}

// Stats returns the counters so far.
func (s *Server) Stats() Stats { return s.count.stats() }

// Run answers until ctx ends, then closes the sockets and returns nil. It
// returns an error only when a socket fails for good.
func (s *Server) Run(ctx context.Context) error {
	if s.Mode == DHCP && len(s.Leases) == 0 {
		return errors.New("dhcp: mode dhcp needs a lease range: set one, or use mode proxy")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { s.Sockets.Close() })
	defer stop()

	var wg sync.WaitGroup
	for range s.workers() {
		if s.Sockets.Main != nil {
			wg.Go(func() { cancel(s.work(ctx, s.Sockets.Main, ServerPort)) })
		}
		wg.Go(func() { cancel(s.work(ctx, s.Sockets.Proxy, ProxyPort)) })
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("dhcp on %s: %w", s.Sockets.Interface, err)
	}
	return nil
}

func (s *Server) workers() int {
	switch {
	case s.Workers > 0:
		return s.Workers
	case s.Mode == DHCP:
		return leaseWorkers
	}
	return DefaultWorkers
}

// sender is the sending half of a socket.
type sender interface {
	WriteMsgUDPAddrPort(b, oob []byte, to netip.AddrPort) (n, oobn int, err error)
}

// work reads and answers packets of one port until the socket is closed.
func (s *Server) work(ctx context.Context, conn *net.UDPConn, port uint16) error {
	buf := make([]byte, maxMessage+1)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("read UDP port %d: %w", port, err)
		}
		s.count.received.Add(1)
		p, ok := s.parse(buf[:n], from, port)
		if !ok {
			continue
		}
		s.serve(ctx, conn, p)
	}
}

// Replay does with a datagram of a capture what Run does with one from the network:
// it decides and reports, and sends nothing. Of Sockets only the name is needed.
func (s *Server) Replay(ctx context.Context, b []byte, from netip.AddrPort, port uint16) {
	s.count.received.Add(1)
	if p, ok := s.parse(b, from, port); ok {
		s.serve(ctx, nil, p)
	}
}

// parse turns a datagram into a Packet, and counts and drops what is none.
func (s *Server) parse(b []byte, from netip.AddrPort, port uint16) (Packet, bool) {
	m, err := dhcpv4.FromBytes(b)
	if err != nil || len(b) > maxMessage || m.OpCode != dhcpv4.OpcodeBootRequest || m.HWType != iana.HWTypeEthernet || len(m.ClientHWAddr) != 6 {
		s.count.bad.Add(1)
		return Packet{}, false
	}
	if port == ProxyPort && s.Sockets.Main == nil && m.MessageType() == dhcpv4.MessageTypeDiscover {
		port = ServerPort // our agent, which cannot ask us there; firmware sends no DISCOVER here
	}
	server := s.Address()
	if !server.Is4() {
		s.count.noAddress.Add(1)
		return Packet{}, false
	}
	return Packet{
		Message: m, Source: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), Port: port,
		Interface: s.Sockets.Interface, Server: server, Mode: s.Mode,
	}, true
}

// serve decides, reports and sends one answer.
func (s *Server) serve(ctx context.Context, conn sender, p Packet) {
	if s.RelayedOnly && p.Port == ServerPort && !relayed(p.Message) {
		s.count.foreign.Add(1)
		return
	}
	r := s.Handler(ctx, p)
	first := s.known.first(p)
	switch {
	case !r.Ours || !first:
	case opens(p):
		s.report(Seen, p, r)
	case p.Message.MessageType() == dhcpv4.MessageTypeRequest:
		s.report(Requested, p, r) // also when it goes to another server: that one's address was taken
	}
	if s.Mode == DHCP && p.Port == ServerPort && !r.Standalone {
		s.lease(ctx, conn, p, r, first)
		return
	}
	if !r.Ours {
		s.count.foreign.Add(1)
		return
	}
	if !r.Send {
		s.silent(p, r, first)
		return
	}
	// A proxy's ACK on 67 would be taken for a lease.
	if p.Port == ServerPort && r.Type != dhcpv4.MessageTypeOffer {
		r.Why = append(r.Why, "an ACK on port 67 is left to the server that gave the address")
		s.silent(p, r, first)
		return
	}
	s.send(conn, p, Build(p.Message, r), r, first)
}

func (s *Server) silent(p Packet, r Reply, first bool) {
	s.count.silent.Add(1)
	if first && opens(p) {
		s.report(Silent, p, r)
		s.log(p, "silent", r, netip.Addr{})
	}
}

// send puts m on the wire from our address and reports it.
func (s *Server) send(conn sender, p Packet, m *dhcpv4.DHCPv4, r Reply, first bool) {
	kind, counter := Offered, &s.count.offers
	switch m.MessageType() {
	case dhcpv4.MessageTypeAck:
		kind, counter = Acked, &s.count.acks
	case dhcpv4.MessageTypeNak:
		kind, counter = Refused, &s.count.naks
	}
	if relayed(m) && !addr4(m.YourIPAddr).IsValid() && !addr4(m.ClientIPAddr).IsValid() {
		m.SetBroadcast() // the relay would send it to 0.0.0.0, which firmware does not take
	}
	source := (&ipv4.ControlMessage{Src: p.Server.AsSlice()}).Marshal()
	to := destination(p, kind == Refused)
	if conn == nil {
		s.Log.Debug("dhcp answer of a replay is not sent", "to", to.String())
	} else if _, _, err := conn.WriteMsgUDPAddrPort(m.ToBytes(), source, to); err != nil {
		s.count.sendErrors.Add(1)
		s.Log.Warn("dhcp answer not sent", "mac", p.Message.ClientHWAddr.String(), "to", to.String(), "error", err)
		return
	}
	counter.Add(1)
	if first {
		s.reportTo(kind, p, r, addr4(m.YourIPAddr))
		s.log(p, string(kind), r, addr4(m.YourIPAddr))
	}
}
