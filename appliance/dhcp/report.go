package dhcp

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/time/rate"
)

func (s *Server) report(kind EventKind, p Packet, r Reply) {
	s.reportTo(kind, p, r, netip.Addr{})
}

func (s *Server) reportTo(kind EventKind, p Packet, r Reply, client netip.Addr) {
	if s.Observe == nil {
		return
	}
	s.Observe(Event{
		Time: time.Now(), Kind: kind, MAC: slices.Clone(p.Message.ClientHWAddr),
		TransactionID: transactionID(p), Interface: p.Interface, Port: p.Port, Client: client, Has: has(p.Message), File: r.File, Why: r.Why,
		Server: addr4(p.Message.GetOneOption(dhcpv4.OptionServerIdentifier)), Firmware: r.Firmware, Cause: r.Cause,
	})
}

// has is the address of a client by its own words.
func has(m *dhcpv4.DHCPv4) netip.Addr {
	if a := addr4(m.ClientIPAddr); a.IsValid() || TypeOf(m) != dhcpv4.MessageTypeRequest {
		return a
	}
	return addr4(m.GetOneOption(dhcpv4.OptionRequestedIPAddress))
}

// How many lines a second are written at most, so that a flood of questions neither
// fills the log nor slows the answers down; a ward that boots at once stays below.
const (
	linesPerSecond = 200
	linesAtOnce    = 1000
)

// lines limits the log. Its zero value is ready.
type lines struct {
	once sync.Once
	rate *rate.Limiter
}

func (l *lines) allow() bool {
	l.once.Do(func() { l.rate = rate.NewLimiter(linesPerSecond, linesAtOnce) })
	return l.rate.Allow()
}

// log writes a transaction's line, or counts it when there are too many.
func (s *Server) log(p Packet, outcome string, r Reply, client netip.Addr) {
	if !s.lines.allow() {
		s.count.unlogged.Add(1)
		return
	}
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs, slog.String("mac", p.Message.ClientHWAddr.String()), slog.String("type", TypeOf(p.Message).String()),
		slog.Int("port", int(p.Port)), slog.String("outcome", outcome))
	if client.IsValid() {
		attrs = append(attrs, slog.String("address", client.String()))
	}
	if r.File != "" {
		attrs = append(attrs, slog.String("file", r.File))
	}
	if len(r.Why) > 0 {
		attrs = append(attrs, slog.String("why", strings.Join(r.Why, "; ")))
	}
	s.Log.LogAttrs(context.Background(), slog.LevelInfo, "dhcp", attrs...)
}
