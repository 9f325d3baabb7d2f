package dhcp

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

func (s *Server) report(kind EventKind, p Packet, r Reply) {
	s.reportTo(kind, p, r, netip.Addr{})
}

func (s *Server) reportTo(kind EventKind, p Packet, r Reply, client netip.Addr) {
	if s.Observe == nil {
		return
	}
	s.Observe(Event{
		Time: time.Now(), Kind: kind, MAC: p.Message.ClientHWAddr,
		TransactionID: transactionID(p), Interface: p.Interface, Port: p.Port, Client: client, File: r.File, Why: r.Why,
	})
}

// log writes a transaction's line. It has no more than one attribute made by reflection:
// a ward that boots at once is a line for each machine, and lines cost as much as answers.
func (s *Server) log(p Packet, outcome string, r Reply, client netip.Addr) {
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs, slog.String("mac", p.Message.ClientHWAddr.String()), slog.String("type", p.Message.MessageType().String()),
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
