package dhcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
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
	var desks []*desk
	for _, port := range []*Port{s.Sockets.Main, s.Sockets.Proxy} {
		if port != nil {
			desks = append(desks, s.desk(ctx, port, cancel))
		}
	}
	<-ctx.Done()
	s.Sockets.Close()
	for _, d := range desks {
		d.close()
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("dhcp on %s: %w", s.Sockets.Interface, err)
	}
	return nil
}

// desk opens the work at a port.
func (s *Server) desk(ctx context.Context, port *Port, failed context.CancelCauseFunc) *desk {
	d := &desk{most: s.workers()}
	room := sync.Pool{New: func() any { return newExchange(port) }}
	d.work = func() {
		x := room.Get().(*exchange)
		defer room.Put(x)
		if err := s.work(ctx, d, port, x); err != nil {
			failed(err)
		}
	}
	d.open()
	return d
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

// work reads and answers packets of one port until it is relieved or the port is closed.
func (s *Server) work(ctx context.Context, d *desk, port *Port, x *exchange) error {
	for {
		n, from, err := port.read(x.in)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		s.count.received.Add(1)
		p, ok := s.parse(&x.message, x.in[:n], from, port.number)
		if !ok {
			continue
		}
		serial := d.begin()
		if s.Mode == DHCP {
			d.relieve(serial) // to ask whether an address is free takes its time
		}
		s.serve(ctx, x, p)
		if !d.end(serial) {
			return nil
		}
	}
}

// Replay does with a datagram of a capture what Run does with one from the network:
// it decides and reports, and sends nothing. Of Sockets only the name is needed.
func (s *Server) Replay(ctx context.Context, b []byte, from netip.AddrPort, port uint16) {
	s.count.received.Add(1)
	x := newExchange(nil)
	if p, ok := s.parse(&x.message, b, from, port); ok {
		s.serve(ctx, x, p)
	}
}

// parse turns a datagram into a Packet with message m, which holds until b changes, and
// counts and drops what is none.
func (s *Server) parse(m *dhcpv4.DHCPv4, b []byte, from netip.AddrPort, port uint16) (Packet, bool) {
	if len(b) > maxMessage || !decode(m, b) || m.OpCode != dhcpv4.OpcodeBootRequest || m.HWType != iana.HWTypeEthernet || len(m.ClientHWAddr) != 6 {
		s.count.bad.Add(1)
		return Packet{}, false
	}
	if port == ProxyPort && s.Sockets.Main == nil && TypeOf(m) == dhcpv4.MessageTypeDiscover {
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
func (s *Server) serve(ctx context.Context, x *exchange, p Packet) {
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
	case TypeOf(p.Message) == dhcpv4.MessageTypeRequest:
		s.report(Requested, p, r) // also when it goes to another server: that one's address was taken
	}
	if s.Mode == DHCP && p.Port == ServerPort && !r.Standalone {
		s.lease(ctx, x, p, r, first)
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
	s.send(x, p, x.answer(p.Message, r), r, first)
}

func (s *Server) silent(p Packet, r Reply, first bool) {
	s.count.silent.Add(1)
	if first && opens(p) {
		s.report(Silent, p, r)
		s.log(p, "silent", r, netip.Addr{})
	}
}

// send puts a message on the wire from our address and reports it. b has room for headers
// in front.
func (s *Server) send(x *exchange, p Packet, b []byte, r Reply, first bool) {
	m := b[Headers:]
	kind, counter := Offered, &s.count.offers
	switch r.Type {
	case dhcpv4.MessageTypeAck:
		kind, counter = Acked, &s.count.acks
	case dhcpv4.MessageTypeNak:
		kind, counter = Refused, &s.count.naks
	}
	client := addr4(ip4(m, atYIAddr))
	if addr4(ip4(m, atGIAddr)).IsValid() && !client.IsValid() && !addr4(ip4(m, atCIAddr)).IsValid() {
		m[atFlags] |= 0x80 // broadcast: the relay would send it to 0.0.0.0, which firmware does not take
	}
	to := destination(p, kind == Refused)
	if x.conn == nil {
		s.Log.Debug("dhcp answer of a replay is not sent", "to", to.String())
	} else if err := x.conn.send(b, p.Server, to); err != nil {
		s.count.sendErrors.Add(1)
		s.Log.Warn("dhcp answer not sent", "mac", p.Message.ClientHWAddr.String(), "to", to.String(), "error", err)
		return
	}
	counter.Add(1)
	if first {
		s.reportTo(kind, p, r, client)
		s.log(p, string(kind), r, client)
	}
}
