package dhcp

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// BenchmarkAnswer asks on loopback by the 4011 way (answers go to the asking port), with
// as many clients as the server has workers: packet, decision, answer, two system calls
// on each side.
func BenchmarkAnswer(b *testing.B) {
	port, err := listen("lo", 0)
	if err != nil {
		b.Fatal(err)
	}
	socks := &Sockets{Interface: "lo", Proxy: port}
	name, err := unix.Getsockname(port.udp)
	if err != nil {
		b.Fatal(err)
	}
	port.number = ProxyPort
	s := &Server{Sockets: socks, Log: quiet, Handler: bootHandler, Address: func() netip.Addr { return netip.MustParseAddr("127.0.0.1") }}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
	var lost atomic.Uint64
	b.SetParallelism(DefaultWorkers)
	b.RunParallel(func(pb *testing.PB) {
		m, _ := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1}), dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), pxeClass)
		packet, buf := m.ToBytes(), make([]byte, 1500)
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		for pb.Next() {
			c.WriteToUDPAddrPort(packet, to)
			c.SetReadDeadline(time.Now().Add(time.Second))
			if _, _, err := c.ReadFromUDPAddrPort(buf); err != nil {
				lost.Add(1)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
	b.ReportMetric(float64(lost.Load()), "lost")
	cancel()
	wg.Wait()
}
