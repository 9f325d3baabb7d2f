package httpboot

import (
	"net"
	"net/netip"
	"sync"
)

// Connections at once: a box has some thousand file descriptors, which PXE needs
// too. Firmware opens one or two, an agent a handful.
const (
	maxPerSource = 64
	maxTotal     = 1500
)

// crowd is a listener that closes connections beyond its limits as they come.
type crowd struct {
	net.Listener
	perSource, total int

	mu   sync.Mutex
	open map[netip.Addr]int
	all  int
}

func newCrowd(l net.Listener, perSource, total int) *crowd {
	return &crowd{Listener: l, perSource: perSource, total: total, open: map[netip.Addr]int{}}
}

// Accept returns the next connection that there is room for.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		t, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		from, ok := c.admit(t)
		if ok {
			return &guest{t, sync.OnceFunc(func() { c.leave(from) })}, nil
		}
		conn.Close()
	}
}

func (c *crowd) admit(conn *net.TCPConn) (netip.Addr, bool) {
	var from netip.Addr
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		from = a.AddrPort().Addr().Unmap()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.total || c.open[from] >= c.perSource {
		return from, false
	}
	c.open[from]++
	c.all++
	return from, true
}

func (c *crowd) leave(from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.open[from]--; c.open[from] <= 0 {
		delete(c.open, from)
	}
}

// guest is a connection that was let in. It is a *net.TCPConn in all else, so
// that the kernel still sends files.
type guest struct {
	*net.TCPConn
	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.TCPConn.Close()
}
