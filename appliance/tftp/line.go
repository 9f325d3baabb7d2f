package tftp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// line is the socket of one transfer, connected to the client. One goroutine uses it, but
// for stop.
type line interface {
	// Write sends a packet. Where the link takes none it fails with os.ErrDeadlineExceeded
	// after resendAfter.
	io.WriteCloser
	syscall.Conn
	// receive reads a packet. If none came for as long as wait, it fails with
	// os.ErrDeadlineExceeded.
	receive(b []byte, wait time.Duration) (int, error)
	// patience prepares for waits of that length, which are then cheap.
	patience(wait time.Duration) error
	// stop ends a wait and those to come: receive returns, without a packet.
	stop()
}

// control runs f on the descriptor of the socket.
func control(c syscall.Conn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	err = raw.Control(func(fd uintptr) { done = f(int(fd)) })
	return errors.Join(err, done)
}

// polled waits with the runtime's poller, as do thousands of others without a thread.
type polled struct {
	*net.UDPConn
	stopped atomic.Bool
}

func openPolled(local netip.Addr, client netip.AddrPort) (line, error) {
	var from *net.UDPAddr
	if local.IsValid() {
		from = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	conn, err := net.DialUDP("udp4", from, net.UDPAddrFromAddrPort(client))
	return &polled{UDPConn: conn}, err
}

func (p *polled) patience(time.Duration) error { return nil }

func (p *polled) stop() {
	p.stopped.Store(true)
	p.SetReadDeadline(time.Unix(1, 0))
}

func (p *polled) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(resendAfter)); err != nil {
		return 0, err
	}
	return p.UDPConn.Write(b)
}

func (p *polled) receive(b []byte, wait time.Duration) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	if p.stopped.Load() { // perhaps its deadline came before ours
		return 0, nil
	}
	return p.Read(b)
}
