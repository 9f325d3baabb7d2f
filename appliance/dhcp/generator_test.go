//go:build bench

package dhcp_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"
)

// generator asks as many machines that boot at once: each has one question on the way,
// and asks the next as another machine when it is answered. So that the server is what
// is measured, it is one thread that blocks in the kernel, sends and reads in batches,
// and puts its questions on the wire as a card's ROM does: as frames, beside the host's
// own IP.
type generator struct {
	frames, answers int // file descriptors: a packet socket, UDP 68
	in, out         batch
	waiting         []uint32 // transaction id that each machine waits for
	next            uint32
}

type result struct {
	answers, lost int
	took          time.Duration
	server, asker time.Duration // processor time of the two sides
}

func (r result) rate() float64 { return float64(r.answers) / r.took.Seconds() }

// each is a time per answer in µs.
func (r result) each(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(r.answers) }

func (r result) plus(o result) result {
	return result{r.answers + o.answers, r.lost + o.lost, r.took + o.took, r.server + o.server, r.asker + o.asker}
}

// spent says where the time of an offer went. The two sides work side by side.
func (r result) spent(whose string) string {
	return fmt.Sprintf("one of %s leaves every %.1f µs, for which the server works %.1f and the asking side %.1f", whose, r.each(r.took), r.each(r.server), r.each(r.asker))
}

const (
	patience = 200 * time.Millisecond // then a question counts as lost
	maxFrame = 1500
	ipAndUDP = 28
)

func newGenerator(t *testing.T, seg *nstest.Segment, machines int) *generator {
	t.Helper()
	g := &generator{waiting: make([]uint32, machines), in: newBatch(machines), out: newBatch(machines)}
	seg.Do(t, "client", func() {
		if err := g.open(); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	for i := range machines {
		m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 0}), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover), dhcpv4.WithBroadcast(true),
			dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003001")),
			dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{0, 7}),
			dhcpv4.WithGeneric(dhcpv4.OptionClientNetworkInterfaceIdentifier, []byte{1, 3, 1}),
			dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, make([]byte, 17)))
		if err != nil {
			t.Fatal(err)
		}
		g.out.set(i, question(m.ToBytes()))
		g.in.set(i, make([]byte, maxFrame))
	}
	return g
}

// open opens both sockets in the caller's namespace.
func (g *generator) open() (err error) {
	link, err := net.InterfaceByName(cable)
	if err != nil {
		return err
	}
	if g.frames, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := unix.Bind(g.frames, &unix.SockaddrLinklayer{Ifindex: link.Index}); err != nil {
		return err
	}
	if g.answers, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	wait := unix.NsecToTimeval(patience.Nanoseconds())
	return errors.Join(unix.BindToDevice(g.answers, cable), unix.SetsockoptTimeval(g.answers, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.Bind(g.answers, &unix.SockaddrInet4{Port: 68}))
}

func (g *generator) close() { unix.Close(g.frames); unix.Close(g.answers) }

// question is the frame in which a ROM without an address asks: no UDP checksum.
func question(message []byte) []byte {
	f := make([]byte, 14+ipAndUDP, 14+ipAndUDP+len(message))
	copy(f, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0})
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], uint16(ipAndUDP+len(message)))
	copy(ip[16:], []byte{0xff, 0xff, 0xff, 0xff, 0, 68, 0, 67})
	binary.BigEndian.PutUint16(ip[24:], uint16(8+len(message)))
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	return append(f, message...)
}

// run asks for a while.
func (g *generator) run(t *testing.T, d time.Duration) (r result) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun, used := time.Now(), threadTime(t)
	ask := make([]int, len(g.waiting)) // machines whose turn it is
	for i := range ask {
		ask[i] = i
	}
	for time.Since(begun) < d {
		g.send(t, ask)
		ask = ask[:0]
		n, err := g.in.call(unix.SYS_RECVMMSG, g.answers, len(g.waiting), unix.MSG_WAITFORONE)
		if errors.Is(err, unix.EAGAIN) {
			for i := range g.waiting {
				ask = append(ask, i)
			}
			r.lost += len(ask)
			continue
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		for i := range n {
			b := g.in.bytes(i)
			if len(b) <= 240 || b[0] != 2 {
				continue
			}
			id := binary.BigEndian.Uint32(b[4:])
			if m := int(id) % len(g.waiting); g.waiting[m] == id {
				g.waiting[m] = 0
				ask = append(ask, m)
			}
		}
		r.answers += len(ask)
	}
	r.took, r.asker = time.Since(begun), threadTime(t)-used
	return r
}

// send gives each machine a new hardware address and transaction id.
func (g *generator) send(t *testing.T, machines []int) {
	for at, i := range machines {
		g.next++
		id := g.next*uint32(len(g.waiting)) + uint32(i)
		g.waiting[i] = id
		m := g.out.data[at][14+ipAndUDP:]
		binary.BigEndian.PutUint32(m[4:], id)
		binary.BigEndian.PutUint32(m[30:], id) // the end of chaddr
	}
	for sent := 0; sent < len(machines); {
		n, err := g.out.call(unix.SYS_SENDMMSG, g.frames, len(machines)-sent, 0)
		if err != nil {
			t.Fatal(err)
		}
		if sent += n; sent < len(machines) {
			t.Fatal("the kernel took part of the questions only")
		}
	}
}
