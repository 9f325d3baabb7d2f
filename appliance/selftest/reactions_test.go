package selftest

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/appliance/dhcp"
)

func TestReactions(t *testing.T) {
	var r Reactions
	at := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	offer := dhcp.Reply{Ours: true, Send: true, Type: dhcpv4.MessageTypeOffer}
	note := func(last byte, kind dhcpv4.MessageType, port uint16, sent dhcp.Reply) {
		m, err := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, last}), dhcpv4.WithMessageType(kind))
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(4 * time.Second)
		r.Note(dhcp.Packet{Message: m, Port: port}, sent, at)
	}
	discover := func(last byte, sent dhcp.Reply) { note(last, dhcpv4.MessageTypeDiscover, 67, sent) }
	for range 4 {
		discover(1, offer)                  // deaf
		discover(2, dhcp.Reply{Ours: true}) // the box stays silent
		discover(3, dhcp.Reply{Send: true}) // gets an address only
		discover(4, offer)                  // reacts after the second
		note(4, dhcpv4.MessageTypeRequest, 67, offer)
		discover(5, offer)
		note(5, dhcpv4.MessageTypeRequest, 4011, offer)
		note(6, dhcpv4.MessageTypeRequest, 67, dhcp.Reply{}) // renews
	}
	for range deafOffers {
		m, err := Question(BIOS).discover(net.HardwareAddr{2, 0, 0, 0, 0, 8})
		if err != nil {
			t.Fatal(err)
		}
		r.Note(dhcp.Packet{Message: m, Port: 67}, offer, at) // another box
	}
	discover(7, offer) // asked twice: may be slow
	discover(7, offer)
	macs, reacted := r.Deaf(at)
	if !slices.Equal(macs, []string{"02:00:00:00:00:01"}) || reacted != 2 {
		t.Errorf("deaf %v, %d reacted", macs, reacted)
	}
	if macs, reacted := r.Deaf(at.Add(reactsWithin + time.Minute)); len(macs) > 0 || reacted > 0 {
		t.Errorf("later: deaf %v, %d reacted", macs, reacted)
	}
	at = at.Add(time.Hour)
	discover(1, offer)
	if macs, _ := r.Deaf(at); len(macs) > 0 {
		t.Errorf("one question after an hour counts as deaf: %v", macs)
	}
	for i := range 3 * maxMachines {
		m, _ := dhcpv4.New(dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 1, byte(i >> 8), byte(i)}), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover))
		r.Note(dhcp.Packet{Message: m, Port: 67}, offer, at)
	}
	if n := r.machines.Len(); n > maxMachines {
		t.Errorf("%d machines are remembered", n)
	}
}
