package dhcp

import (
	"net/netip"
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
		Server: addr4(p.Message.ServerIdentifier()), Firmware: r.Firmware, Cause: r.Cause,
	})
}

func (s *Server) log(p Packet, outcome string, r Reply, client netip.Addr) {
	attrs := []any{
		"mac", p.Message.ClientHWAddr.String(), "type", p.Message.MessageType().String(),
		"port", p.Port, "outcome", outcome,
	}
	if client.IsValid() {
		attrs = append(attrs, "address", client.String())
	}
	if r.File != "" {
		attrs = append(attrs, "file", r.File)
	}
	if len(r.Why) > 0 {
		attrs = append(attrs, "why", r.Why)
	}
	s.Log.Info("dhcp", attrs...)
}
