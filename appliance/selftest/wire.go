package selftest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/appliance/dhcp"
)

// Offer is another server's answer that was heard.
type Offer struct {
	dhcp.Answer
	Interface string           // by which it came
	Sender    net.HardwareAddr // of the frame: a relay's, where there is one
	Question  Question         // that it answers; "" if a machine asked
	// Impostor says that the sender, who is not the box, answers under its address.
	Impostor bool
}

// wire is a packet socket on which a client without an address speaks DHCP. It needs
// CAP_NET_RAW. The interface's address is neither needed nor used.
type wire struct {
	conn  *packet.Conn
	link  *net.Interface
	asked map[uint32]Question // by transaction
}

func openWire(iface string) (*wire, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("selftest: interface %s: %w", iface, err)
	}
	if len(link.HardwareAddr) != 6 {
		return nil, fmt.Errorf("selftest: interface %s: want an Ethernet link", iface)
	}
	filter, err := bpf.Assemble(dhcp.ForClients())
	if err != nil {
		return nil, fmt.Errorf("selftest: interface %s: %w", iface, err)
	}
	conn, err := packet.Listen(link, packet.Datagram, unix.ETH_P_IP, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("selftest: open a packet socket on %s: %w", iface, err)
	}
	return &wire{conn: conn, link: link, asked: map[uint32]Question{}}, nil
}

// maxAsked is how many questions are remembered, for answers that come late.
const maxAsked = 32

// ask sends questions.
func (w *wire) ask(questions ...Question) error {
	if len(w.asked) > maxAsked {
		clear(w.asked)
	}
	for _, q := range questions {
		m, err := q.discover(w.link.HardwareAddr)
		if err != nil {
			return err
		}
		w.asked[binary.BigEndian.Uint32(m.TransactionID[:])] = q
		to := &packet.Addr{HardwareAddr: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
		if _, err := w.conn.WriteTo(broadcast(m.ToBytes()), to); err != nil {
			return fmt.Errorf("selftest: ask on %s as %s: %w", w.link.Name, q, err)
		}
	}
	return nil
}

// hear gives every answer of a server to f until the deadline or the end of ctx, and
// returns nil then.
func (w *wire) hear(ctx context.Context, until time.Time, f func(Offer)) error {
	if err := w.conn.SetReadDeadline(until); err != nil {
		return fmt.Errorf("selftest: listen on %s: %w", w.link.Name, err)
	}
	stop := context.AfterFunc(ctx, func() { w.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 1<<16)
	for {
		n, from, err := w.conn.ReadFrom(buf)
		switch {
		case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, unix.ENETDOWN): // the link went down and may come back
			continue
		case err != nil:
			return fmt.Errorf("selftest: listen on %s: %w", w.link.Name, err)
		}
		if a, ok := dhcp.Overhear(buf[:n]); ok {
			o := Offer{Answer: a, Interface: w.link.Name, Question: w.asked[a.TransactionID]}
			if a, ok := from.(*packet.Addr); ok {
				o.Sender = bytes.Clone(a.HardwareAddr)
			}
			f(o)
		}
	}
}

// maxOffers is how many answers are kept: a flood of them says no more.
const maxOffers = 1024

// Ask asks all questions on an interface, waits for answers, and returns every OFFER
// that was heard, those to machines too. It asks twice, since broadcasts are lost now
// and then.
func Ask(ctx context.Context, iface string, wait time.Duration, questions ...Question) ([]Offer, error) {
	w, err := openWire(iface)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	var all []Offer
	keep := func(o Offer) {
		if len(all) < maxOffers {
			all = append(all, o)
		}
	}
	for range 2 {
		if err := w.ask(questions...); err != nil {
			return nil, err
		}
		if err := w.hear(ctx, time.Now().Add(wait/2), keep); err != nil {
			return nil, err
		}
	}
	return all, ctx.Err()
}
