package tftp

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	pin "github.com/pin/tftp/v3"
)

// plain feeds bare RFC 1350 requests to pin/tftp. It is the packet connection that
// pin reads requests from; pin opens a port of its own for each transfer.
type plain struct {
	server *Server
	pin    *pin.Server
	in     chan handed
	done   chan struct{}
	once   sync.Once
	last   netip.Addr // client of the request that pin read last
}

type handed struct {
	from *net.UDPAddr
	b    []byte
}

func newPlain(s *Server) *plain {
	return &plain{server: s, in: make(chan handed, 64), done: make(chan struct{})}
}

// run serves until stop.
func (p *plain) run(ctx context.Context) {
	p.pin = pin.NewServer(func(name string, rf io.ReaderFrom) error { return p.read(ctx, name, rf) }, nil)
	p.pin.SetHook(p)
	p.pin.SetTimeout(resendAfter)
	p.pin.SetRetries(maxSilences)
	p.pin.SetBackoff(func(int) time.Duration { return 0 }) // the time-out is wait enough
	var wg sync.WaitGroup
	wg.Go(func() { p.pin.Serve(p) })
	<-p.done
	p.pin.Shutdown()
	wg.Wait()
}

func (p *plain) stop() { p.once.Do(func() { close(p.done) }) }

// hand passes a request on. The client's place is given back when its transfer ends,
// or at once if nobody can take the request.
func (p *plain) hand(a arrival, b []byte) {
	h := handed{from: net.UDPAddrFromAddrPort(a.client), b: append([]byte(nil), b...)}
	select {
	case p.in <- h:
	default:
		p.server.leave(a.client.Addr())
	}
}

// read is pin's handler of one transfer. An error that it returns is told to the
// client by pin, so it holds general words only.
func (p *plain) read(ctx context.Context, name string, rf io.ReaderFrom) error {
	remote := rf.(pin.OutgoingTransfer).RemoteAddr()
	client := remote.AddrPort()
	client = netip.AddrPortFrom(client.Addr().Unmap(), client.Port())
	defer p.server.leave(client.Addr())
	start := time.Now()
	content, size, n, err := p.server.open(ctx, client.Addr(), name)
	t := Transfer{Client: client, Name: n, Size: size, Block: defaultBlock, Window: 1}
	if err != nil {
		t.Err = err
		p.server.finish(t)
		_, message := clientError(err)
		return fmt.Errorf("%s", message)
	}
	defer content.Close()
	t.Bytes, err = rf.ReadFrom(stoppable{ctx, content})
	t.Duration = time.Since(start)
	// pin tells of an ERROR packet in words alone. One before block 1 is acknowledged
	// is a client that only looked.
	if err != nil && strings.HasPrefix(err.Error(), "sending block 1: code=") {
		t.Probe, err = true, nil
	}
	t.Err = err
	p.server.finish(t)
	return nil
}

// stoppable is content that ends with the server.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// ReadFrom gives pin the next request.
func (p *plain) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case h := <-p.in:
		p.last = h.from.AddrPort().Addr().Unmap()
		return copy(b, h.b), h.from, nil
	case <-p.done:
		return 0, nil, net.ErrClosed
	}
}

// OnSuccess does nothing: read reports transfers.
func (p *plain) OnSuccess(pin.TransferStats) {}

// OnFailure gives a client's place back when pin could not even start its transfer
// (no descriptor left). Only the goroutine that reads requests reports without a
// name, so last is the client in question.
func (p *plain) OnFailure(t pin.TransferStats, _ error) {
	if t.Filename == "" && p.last.IsValid() {
		p.server.leave(p.last)
		p.last = netip.Addr{}
	}
}

// WriteTo is never used: pin answers from the transfer's own port.
func (p *plain) WriteTo([]byte, net.Addr) (int, error) { return 0, net.ErrClosed }
func (p *plain) Close() error                          { p.stop(); return nil }
func (p *plain) LocalAddr() net.Addr                   { return p.server.Conn.LocalAddr() }
func (p *plain) SetDeadline(time.Time) error           { return nil }
func (p *plain) SetReadDeadline(time.Time) error       { return nil }
func (p *plain) SetWriteDeadline(time.Time) error      { return nil }
