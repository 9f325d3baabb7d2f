package tftp

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// Limits unless Server says otherwise.
const (
	DefaultPerSource = 8
	DefaultTotal     = 3000
)

// OpenFunc opens boot file name, already normalised, for the client. An error that
// is fs.ErrNotExist tells the client "file not found"; any other is logged and told
// in general words. It is called by several goroutines at once.
type OpenFunc func(ctx context.Context, client netip.Addr, name string) (content io.ReadSeekCloser, size int64, err error)

// Transfer is one finished or broken transfer.
type Transfer struct {
	Client   netip.AddrPort
	Name     string // normalised
	Size     int64
	Bytes    int64 // acknowledged by the client
	Duration time.Duration
	Block    int
	Window   int
	Resent   int
	Probe    bool  // the client asked for the size only and left: no error
	Err      error // nil when everything was acknowledged
}

// Server serves boot files. Its fields are set before Run and not changed after.
type Server struct {
	Conn      *net.UDPConn // from Listen
	Open      OpenFunc
	Done      func(Transfer) // may be nil; called from several goroutines
	Log       *slog.Logger
	PerSource int // transfers of one client at once, 0: DefaultPerSource
	Total     int // transfers at once, 0: DefaultTotal

	mu      sync.Mutex
	running map[netip.Addr]int
	total   int
	opening map[asked]bool

	thread atomic.Bool // a transfer has the one that waits in the kernel

	requests, bad, refused, failed, completed, probes atomic.Uint64
}

// Stats counts since the server was made.
type Stats struct{ Requests, Bad, Refused, Failed, Completed, Probes uint64 }

// Stats returns the counters so far.
func (s *Server) Stats() Stats {
	return Stats{Requests: s.requests.Load(), Bad: s.bad.Load(), Refused: s.refused.Load(),
		Failed: s.failed.Load(), Completed: s.completed.Load(), Probes: s.probes.Load()}
}

// Run serves until ctx ends; it then stops all transfers, closes the socket and
// returns nil. It returns an error only when the socket fails.
func (s *Server) Run(ctx context.Context) error {
	defer s.Conn.Close()
	stop := context.AfterFunc(ctx, func() { s.Conn.Close() })
	defer stop()
	c := ipv4.NewPacketConn(s.Conn)
	if err := c.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true); err != nil {
		return fmt.Errorf("tftp: ask for destination addresses: %w", err)
	}
	plain := newPlain(s)
	var wg sync.WaitGroup
	wg.Go(func() { plain.run(ctx) })
	defer wg.Wait()
	defer plain.stop()

	buf := make([]byte, 2048)
	for {
		n, control, from, err := c.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tftp: read: %w", err)
		}
		a, ok := newArrival(control, from)
		if !ok {
			s.bad.Add(1)
			continue
		}
		s.dispatch(ctx, &wg, plain, a, buf[:n])
	}
}

// dispatch refuses writes and floods, and hands reads to one of the two senders.
func (s *Server) dispatch(ctx context.Context, wg *sync.WaitGroup, plain *plain, a arrival, b []byte) {
	r, err := parseRequest(b)
	if err != nil {
		s.bad.Add(1)
		return
	}
	s.requests.Add(1)
	switch {
	case r.write:
		s.refuse(a, codeAccess, "this server is read only")
	case s.repeats(a, r): // the answer to the first one is on its way
	case !s.admit(a.client.Addr()):
		s.refuse(a, codeUndefined, "too many transfers at once")
	case r.options == nil && a.reachable():
		plain.hand(a, b) // gives the place back itself
	default:
		opened := s.opens(a, r)
		wg.Go(func() {
			defer s.leave(a.client.Addr())
			s.transfer(ctx, a, r, opened)
		})
	}
}

func (s *Server) refuse(a arrival, code uint16, message string) {
	s.refused.Add(1)
	s.Log.Info("tftp refused", "client", a.client.String(), "why", message)
	oob := []byte(nil)
	if a.local.IsValid() {
		oob = (&ipv4.ControlMessage{Src: a.local.AsSlice()}).Marshal()
	}
	s.Conn.WriteMsgUDPAddrPort(appendError(nil, code, message), oob, a.client)
}

// open asks for the content by its normalised name.
func (s *Server) open(ctx context.Context, client netip.Addr, name string) (io.ReadSeekCloser, int64, string, error) {
	n, err := Normalise(name)
	if err != nil {
		return nil, 0, fmt.Sprintf("%.64q", name), fs.ErrNotExist
	}
	content, size, err := s.Open(ctx, client, n)
	return content, size, n, err
}

// finish reports a transfer.
func (s *Server) finish(t Transfer) {
	switch {
	case t.Probe:
		s.probes.Add(1)
	case t.Err != nil:
		s.failed.Add(1)
	default:
		s.completed.Add(1)
	}
	attrs := []any{"client", t.Client.String(), "name", t.Name, "bytes", t.Bytes, "size", t.Size,
		"duration", t.Duration.Round(time.Millisecond).String(), "block", t.Block, "window", t.Window, "resent", t.Resent}
	switch {
	case t.Err != nil:
		s.Log.Warn("tftp transfer failed", append(attrs, "error", t.Err)...)
	case !t.Probe:
		s.Log.Info("tftp transfer", attrs...)
	}
	if s.Done != nil {
		s.Done(t)
	}
}
