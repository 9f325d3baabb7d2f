//go:build bench

package dhcp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// generator asks as many machines that boot at once: each has one question on the way,
// and asks the next as another machine when it is answered. It is one goroutine that
// sends and reads in batches, so that the server is what is measured.
type generator struct {
	conn     *net.UDPConn
	batch    *ipv4.PacketConn
	question [][]byte // one for each machine
	waiting  []uint32 // transaction id that each waits for
	in, out  []ipv4.Message
	next     uint32
}

var everybody = &net.UDPAddr{IP: net.IPv4bcast.To4(), Port: 67}

type result struct {
	answers, lost int
	took, used    time.Duration
}

func (r result) rate() float64 { return float64(r.answers) / r.took.Seconds() }
func (r result) cpu() float64  { return r.used.Seconds() * 1e6 / float64(r.answers) }

func newGenerator(t *testing.T, seg *nstest.Segment, machines int) *generator {
	t.Helper()
	g := &generator{waiting: make([]uint32, machines), in: make([]ipv4.Message, machines)}
	seg.Do(t, "client", func() {
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var set error
			err := c.Control(func(fd uintptr) {
				set = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.BindToDevice(int(fd), cable))
			})
			return errors.Join(err, set)
		}}
		conn, err := lc.ListenPacket(context.Background(), "udp4", "0.0.0.0:68")
		if err != nil {
			t.Error(err)
			return
		}
		g.conn = conn.(*net.UDPConn)
	})
	if g.conn == nil {
		t.FailNow()
	}
	g.batch = ipv4.NewPacketConn(g.conn)
	for i := range machines {
		m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, 0}), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover), dhcpv4.WithBroadcast(true),
			dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003001")),
			dhcpv4.WithGeneric(dhcpv4.OptionClientSystemArchitectureType, []byte{0, 7}),
			dhcpv4.WithGeneric(dhcpv4.OptionClientNetworkInterfaceIdentifier, []byte{1, 3, 1}),
			dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, make([]byte, 17)))
		if err != nil {
			t.Fatal(err)
		}
		g.question = append(g.question, m.ToBytes())
		g.in[i].Buffers = [][]byte{make([]byte, 1500)}
	}
	return g
}

func (g *generator) close() { g.conn.Close() }

// run asks for a while.
func (g *generator) run(t *testing.T, d time.Duration) (r result) {
	t.Helper()
	begun := time.Now()
	ask := make([]int, len(g.question)) // machines whose turn it is
	for i := range ask {
		ask[i] = i
	}
	for time.Since(begun) < d {
		g.send(t, ask)
		ask = ask[:0]
		g.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := g.batch.ReadBatch(g.in, 0)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			for i := range g.question {
				ask = append(ask, i)
			}
			r.lost += len(ask)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range g.in[:n] {
			id := binary.BigEndian.Uint32(m.Buffers[0][4:])
			if i := int(id) % len(g.waiting); m.N > 240 && m.Buffers[0][0] == 2 && g.waiting[i] == id {
				g.waiting[i] = 0
				ask = append(ask, i)
			}
		}
		r.answers += len(ask)
	}
	r.took = time.Since(begun)
	return r
}

// send gives each machine a new hardware address and transaction id.
func (g *generator) send(t *testing.T, machines []int) {
	out := g.out[:0]
	for _, i := range machines {
		g.next++
		id := g.next*uint32(len(g.waiting)) + uint32(i)
		g.waiting[i] = id
		binary.BigEndian.PutUint32(g.question[i][4:], id)
		binary.BigEndian.PutUint32(g.question[i][30:], id) // the end of chaddr
		out = append(out, ipv4.Message{Buffers: [][]byte{g.question[i]}, Addr: everybody})
	}
	for len(out) > 0 {
		n, err := g.batch.WriteBatch(out, 0)
		if err != nil {
			t.Fatal(err)
		}
		out = out[n:]
	}
}

// cpuTime is what a process has used (proc(5), stat: fields 14 and 15, in ticks of 10 ms).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
