package pxe

import (
	"context"
	"testing"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// BenchmarkAnswer is one whole answer without the socket: parse, decide, build, encode.
func BenchmarkAnswer(b *testing.B) {
	packet := discover(b, biosClass, 0, true).ToBytes()
	h := Handler(func(context.Context, Machine) Intent { return Intent{Action: Boot, Image: Image{ID: "linux-x64"}} }, testBox)
	for b.Loop() {
		m, err := dhcpv4.FromBytes(packet)
		if err != nil {
			b.Fatal(err)
		}
		r := h(b.Context(), dhcp.Packet{Message: m, Port: dhcp.ServerPort, Server: testBox.Address})
		if len(dhcp.Build(m, r).ToBytes()) == 0 {
			b.Fatal("no answer")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
}
