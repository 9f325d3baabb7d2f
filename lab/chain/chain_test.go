package chain

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/internal/pcap"
)

var (
	machineMAC = net.HardwareAddr{0x52, 0x54, 0, 0x77, 2, 1}
	serverMAC  = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	start      = time.Unix(1000, 0)
)

// said is one packet, at seconds after the start.
type said struct {
	at         float64
	from, to   uint16 // ports; the machine's are those above 1000 and 68
	tcp, fin   bool
	payload    string
	fromServer bool
}

func (s said) packet() pcap.Packet {
	p := pcap.Packet{Time: start.Add(seconds(s.at)), SourceMAC: machineMAC, TCP: s.tcp, Payload: []byte(s.payload),
		Source: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 9}), s.from), Dest: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), s.to)}
	if s.fromServer {
		p.SourceMAC = serverMAC
	}
	p.IP = make([]byte, 40)
	p.IP[0] = 0x45
	if s.fin {
		p.IP[20+tcpFlags] = 1
	}
	return p
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func boot(agent float64, all ...said) Boot {
	b := Boot{MAC: machineMAC.String(), PowerOn: start, Agent: start.Add(seconds(agent))}
	for _, s := range all {
		b.Packets = append(b.Packets, s.packet())
	}
	return b
}

// discover is how each chain begins: the firmware waits, and the server takes 0.1 s.
func discover(rest ...said) []said {
	return append([]said{
		{at: 0.5, from: 67, to: 68, fromServer: true, payload: "for somebody else"},
		{at: 1, from: 68, to: 67},
		{at: 1.1, from: 67, to: 68, fromServer: true},
		{at: 5.1, from: 68, to: 67},
		{at: 5.1, from: 67, to: 68, fromServer: true},
	}, rest...)
}

func TestSplit(t *testing.T) {
	const read, data, ack, failed, oack = "\x00\x01", "\x00\x03\x00\x01", "\x00\x04\x00\x01", "\x00\x05\x00\x08", "\x00\x06size"
	tests := []struct {
		name string
		boot Boot
		want map[Kind]float64
	}{
		{"started directly", boot(7), map[Kind]float64{Kernel: 7}},
		{"started directly, and the kernel's clock is known", func() Boot {
			b := boot(7)
			b.Kernel = start.Add(3 * time.Second)
			return b
		}(), map[Kind]float64{Load: 3, Kernel: 4}},
		{"asks and fetches nothing", boot(9, discover()...), map[Kind]float64{Kernel: 9}},
		{"TFTP, after a question about the size", boot(20, discover(
			said{at: 5.3, from: 1281, to: 69, payload: read + "uki.efi\x00octet\x00"},
			said{at: 5.4, from: 4000, to: 1281, fromServer: true, payload: oack},
			said{at: 5.5, from: 1281, to: 4000, payload: failed},
			said{at: 6.5, from: 1282, to: 69, payload: read + "uki.efi\x00octet\x00"},
			said{at: 6.6, from: 4001, to: 1282, fromServer: true, payload: oack},
			said{at: 6.8, from: 1282, to: 4001, payload: ack},
			said{at: 6.9, from: 4001, to: 1282, fromServer: true, payload: data + "the file"},
			said{at: 8.9, from: 1282, to: 4001, payload: ack},
		)...), map[Kind]float64{Firmware: 1 + 4 + 0.2 + 1, Answer: 0.1, Serve: 0.1 + 0.1 + 0.1, Fetch: 0.1 + 0.2 + 2, Kernel: 11.1}},
		{"a loader between, which looks for a file that is not there", boot(20, discover(
			said{at: 5.5, from: 1281, to: 69, payload: read + "shimx64.efi\x00"},
			said{at: 5.6, from: 4000, to: 1281, fromServer: true, payload: data + "shim"},
			said{at: 5.8, from: 1281, to: 4000, payload: ack},
			said{at: 7.8, from: 1282, to: 69, payload: read + "revocations.efi\x00"},
			said{at: 7.9, from: 4001, to: 1282, fromServer: true, payload: failed},
			said{at: 8.9, from: 1283, to: 69, payload: read + "vmlinuz\x00"},
			said{at: 9.0, from: 4002, to: 1283, fromServer: true, payload: data + "kernel"},
			said{at: 9.5, from: 1283, to: 4002, payload: ack},
		)...), map[Kind]float64{Firmware: 1 + 4 + 0.4, Answer: 0.1, Serve: 0.1 + 0.1, Fetch: 0.2 + 0.5, Stage: 2 + 0.1 + 1, Kernel: 10.5}},
		{"HTTP, two files by one connection, whose end is no part of a file", boot(20, discover(
			said{at: 5.2, from: 1115, to: 80, tcp: true},
			said{at: 5.3, from: 1115, to: 80, tcp: true, payload: "GET /boot/i/vmlinuz HTTP/1.1\r\n"},
			said{at: 5.4, from: 80, to: 1115, tcp: true, fromServer: true, payload: "HTTP/1.1 200 OK"},
			said{at: 5.9, from: 1115, to: 80, tcp: true},
			said{at: 6.0, from: 1115, to: 80, tcp: true, payload: "GET /boot/i/initrd HTTP/1.1\r\n"},
			said{at: 6.1, from: 80, to: 1115, tcp: true, fromServer: true, payload: "HTTP/1.1 200 OK"},
			said{at: 7.1, from: 1115, to: 80, tcp: true},
			said{at: 9.1, from: 1115, to: 80, tcp: true, fin: true},
			said{at: 9.2, from: 1115, to: 80, tcp: true},
		)...), map[Kind]float64{Firmware: 1 + 4 + 0.1 + 0.1, Answer: 0.1, Serve: 0.1 + 0.1, Fetch: 0.5 + 1, Stage: 0.1, Kernel: 12.9}},
		{"HTTP, after a question about the size", boot(20, discover(
			said{at: 5.3, from: 1114, to: 80, tcp: true, payload: "HEAD /boot/i/uki.efi HTTP/1.1\r\n"},
			said{at: 5.3, from: 80, to: 1114, tcp: true, fromServer: true, payload: "HTTP/1.1 200 OK"},
			said{at: 5.4, from: 1114, to: 80, tcp: true},
			said{at: 6.4, from: 1115, to: 80, tcp: true, payload: "GET /boot/i/uki.efi HTTP/1.1\r\n"},
			said{at: 6.4, from: 80, to: 1115, tcp: true, fromServer: true, payload: "HTTP/1.1 200 OK"},
			said{at: 8.4, from: 1115, to: 80, tcp: true},
		)...), map[Kind]float64{Firmware: 1 + 4 + 0.2 + 1, Answer: 0.1, Fetch: 0.1 + 2, Kernel: 11.6}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spans := tt.boot.Split()
			at := tt.boot.PowerOn
			for _, s := range spans {
				if !s.From.Equal(at) || !s.To.After(s.From) {
					t.Errorf("%v follows what ends at %v", s, at)
				}
				at = s.To
			}
			if !at.Equal(tt.boot.Agent) {
				t.Errorf("the last span ends at %v, not with the agent", at)
			}
			got := map[Kind]float64{}
			for kind, d := range Sum(spans, func(x time.Time) time.Duration { return x.Sub(start) }) {
				got[kind] = d.Round(time.Millisecond).Seconds()
			}
			for kind, s := range tt.want {
				tt.want[kind] = seconds(s).Round(time.Millisecond).Seconds()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTransfers(t *testing.T) {
	b := boot(9, discover(
		said{at: 6, from: 1115, to: 80, tcp: true, payload: "GET /boot/i/uki.efi?x=1 HTTP/1.1\r\n"},
		said{at: 6.1, from: 80, to: 1115, tcp: true, fromServer: true, payload: "HTTP/1.1 200 OK"},
		said{at: 6.2, from: 1115, to: 80, tcp: true},
		said{at: 9.5, from: 1116, to: 80, tcp: true, payload: "GET /v1/policy HTTP/1.1\r\n"},
	)...)
	want := []Transfer{{From: start.Add(6 * time.Second), To: start.Add(seconds(6.2)), Name: "GET /boot/i/uki.efi?x=1", Bytes: 15, Content: true}}
	if diff := cmp.Diff(want, b.Transfers()); diff != "" {
		t.Errorf("what the agent asks for is no part of the boot (-want +got):\n%s", diff)
	}
}
