// Package chain says where the time of a network boot went: it divides the way from power-on to the agent among the
// firmware, the transfers, the programs that a box sends before the kernel, and the kernel, from a capture of the wire.
//
// It knows DHCP, TFTP (RFC 1350) and HTTP over IPv4 only as far as to see who speaks and what is asked for. Whoever
// sends the packet that ends a silence is the one who was waited for.
package chain

import (
	"bytes"
	"slices"
	"time"

	"github.com/bootward/bootward/internal/pcap"
)

// Kind is who had the machine's time.
type Kind string

const (
	// Firmware is power-on to the first DISCOVER, and what the machine waits by itself until it holds a program of ours.
	Firmware Kind = "firmware"
	// Answer is what the machine waits for DHCP servers.
	Answer Kind = "answer"
	// Fetch is the time in transfers in which the next packet was the machine's to send.
	Fetch Kind = "fetch"
	// Serve is the time in transfers in which it was the server's.
	Serve Kind = "serve"
	// Stage is the time between two files, once the machine holds one: a program of ours runs that is no kernel.
	Stage Kind = "stage"
	// Load is the last packet of the last file to the kernel's first second: what firmware, stub and the kernel's unpacking take.
	Load Kind = "load"
	// Kernel is from there to the agent.
	Kernel Kind = "kernel"
)

// Kinds lists them in the order of a boot.
func Kinds() []Kind { return []Kind{Firmware, Answer, Fetch, Serve, Stage, Load, Kernel} }

// Span is a piece of a boot.
type Span struct {
	Kind     Kind
	From, To time.Time
}

// Boot is one boot as it was seen.
type Boot struct {
	MAC            string // of the machine, as net.HardwareAddr prints it
	PowerOn, Agent time.Time
	Kernel         time.Time     // when the kernel's clock began, as its uptime tells; zero if that is not known
	Packets        []pcap.Packet // of the machine and its servers, in order
}

// Transfer is one file that was asked for.
type Transfer struct {
	From, To time.Time // request; last packet by which the machine took something
	Name     string    // as it was asked for
	Bytes    int64     // that the server sent, with headers of the protocol
	Content  bool      // a file came: false for a question about its size and for what was not there
}

// Split divides the boot. The spans follow each other without gaps from PowerOn to Agent. A machine that was
// started without the network has those of the kernel alone.
func (b Boot) Split() []Span {
	var spans []Span
	at := b.PowerOn
	add := func(kind Kind, to time.Time) {
		if to.After(b.Agent) {
			to = b.Agent
		}
		if to.After(at) {
			spans = append(spans, Span{Kind: kind, From: at, To: to})
			at = to
		}
	}
	transfers := b.Transfers()
	last := b.PowerOn
	if len(transfers) > 0 {
		last = transfers[len(transfers)-1].To
	}
	for _, p := range b.Packets {
		if p.Time.Before(b.PowerOn) || len(spans) == 0 && !b.mine(p) {
			continue
		}
		if p.Time.After(last) {
			break
		}
		add(b.kind(transfers, at, p), p.Time)
	}
	add(Load, b.Kernel)
	add(Kernel, b.Agent)
	return spans
}

// kind says whose the silence was that began at and was ended by p.
func (b Boot) kind(transfers []Transfer, at time.Time, p pcap.Packet) Kind {
	held := false
	for _, t := range transfers {
		switch {
		case !at.Before(t.From) && at.Before(t.To):
			if b.mine(p) {
				return Fetch
			}
			return Serve
		case t.Content && !at.Before(t.To):
			held = true
		}
	}
	switch {
	case held:
		return Stage
	case b.mine(p):
		return Firmware
	}
	return Answer
}

func (b Boot) mine(p pcap.Packet) bool { return p.SourceMAC.String() == b.MAC }

// Transfers lists the files that the machine asked for, in order.
func (b Boot) Transfers() []Transfer {
	var all []Transfer
	flow := map[uint16]int{}    // port of the machine → its transfer
	closed := map[uint16]bool{} // the machine has closed the connection
	for _, p := range b.Packets {
		if p.Time.Before(b.PowerOn) || p.Time.After(b.Agent) {
			continue
		}
		port := p.Dest.Port()
		if b.mine(p) {
			port = p.Source.Port()
			if name, ok := request(p); ok {
				flow[port], closed[port] = len(all), false
				all = append(all, Transfer{From: p.Time, To: p.Time, Name: name})
				continue
			}
		}
		i, ok := flow[port]
		if !ok {
			continue
		}
		switch t := &all[i]; {
		case !b.mine(p):
			t.Bytes += int64(len(p.Payload))
			t.Content = t.Content || carries(p, t.Name)
		case ends(p):
			closed[port] = true
		case !closed[port]:
			t.To = p.Time
		}
	}
	return slices.DeleteFunc(all, func(t Transfer) bool { return !t.To.After(t.From) && !t.Content })
}

// Offsets of TCP (RFC 9293) and op codes of TFTP (RFC 1350).
const (
	tcpFlags   = 13
	tcpFinRst  = 1 | 4
	tftpPort   = 69
	tftpRead   = 1
	tftpData   = 3
	httpPort   = 80
	headMethod = "HEAD "
)

// request is what a packet of the machine asks for, if it asks for a file.
func request(p pcap.Packet) (name string, ok bool) {
	switch {
	case !p.TCP && p.Dest.Port() == tftpPort && len(p.Payload) > 2 && p.Payload[1] == tftpRead:
		file, _, _ := bytes.Cut(p.Payload[2:], []byte{0})
		return string(file), true
	case p.TCP && p.Dest.Port() == httpPort && (bytes.HasPrefix(p.Payload, []byte("GET ")) || bytes.HasPrefix(p.Payload, []byte(headMethod))):
		words := bytes.Fields(p.Payload[:min(len(p.Payload), 300)])
		if len(words) > 1 {
			return string(words[0]) + " " + string(words[1]), true
		}
	}
	return "", false
}

// carries says whether a packet of the server brings a file, or a part of it.
func carries(p pcap.Packet, name string) bool {
	if p.TCP {
		return len(p.Payload) > 0 && !bytes.HasPrefix([]byte(name), []byte(headMethod)) && !bytes.HasPrefix(p.Payload, []byte("HTTP/1.1 404"))
	}
	return len(p.Payload) > 4 && p.Payload[1] == tftpData
}

// ends says whether the machine closes a connection by this packet.
func ends(p pcap.Packet) bool {
	head := int(p.IP[0]&15) * 4
	return p.TCP && len(p.IP) > head+tcpFlags && p.IP[head+tcpFlags]&tcpFinRst != 0
}

// Sum is the time of each kind by a clock, such as one that counts seconds of the emulator's processor.
func Sum(spans []Span, clock func(time.Time) time.Duration) map[Kind]time.Duration {
	sum := map[Kind]time.Duration{}
	for _, s := range spans {
		sum[s.Kind] += clock(s.To) - clock(s.From)
	}
	return sum
}
