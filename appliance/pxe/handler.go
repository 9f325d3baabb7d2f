package pxe

import (
	"context"
	"net"
	"net/netip"

	"github.com/bootward/bootward/appliance/dhcp"
)

// Machine is what is known of a machine that asks to be booted. MAC and UUID are
// labels that anybody may claim, no proof.
type Machine struct {
	MAC           net.HardwareAddr
	UUID          string // SMBIOS GUID in lower case, "" if unknown
	Firmware      Firmware
	Relay         netip.Addr // zero on the box's own segment
	Interface     string     // of the box, by which it asked
	TransactionID uint32
	// Port is 67 for the first question and 4011 for a second one.
	Port uint16
}

// IntentFunc asks policy and history about a machine. It is called for each packet,
// so several times while one machine boots, by several goroutines at once: it must
// give the same answer until something changed, and return within a second.
type IntentFunc func(ctx context.Context, m Machine) Intent

// Handler returns the decision for the DHCP server. box gives what the answers say
// of the box; Address and Mode are filled in from the packet.
func Handler(intent IntentFunc, box Server) dhcp.Handler {
	return func(ctx context.Context, p dhcp.Packet) dhcp.Reply {
		r, err := Parse(p.Message, p.Port)
		if err != nil {
			return dhcp.Reply{}
		}
		s := box
		s.Address, s.Mode = p.Server, p.Mode
		f, how := Classify(r)
		var in Intent
		if needsIntent(f, r, s) {
			in = intent(ctx, Machine{
				MAC: r.MAC, UUID: r.UUID, Firmware: f, Relay: r.Relay, Interface: p.Interface,
				TransactionID: r.TransactionID, Port: r.Port,
			})
		}
		return decide(f, how, r, in, s).reply()
	}
}

// needsIntent says whether the answer depends on policy: for ordinary clients, our
// agent and firmware that is not known it does not.
func needsIntent(f Firmware, r Request, s Server) bool {
	if f == NotBoot || f == Agent || f.Refused() != "" && !f.sentOn() {
		return false
	}
	t, _ := answerType(r, s)
	return t != 0
}

func (a Answer) reply() dhcp.Reply {
	return dhcp.Reply{
		Ours: a.Firmware != NotBoot, Send: a.Send, Standalone: a.Standalone, Type: a.Type,
		NextServer: a.NextServer, File: a.File, Options: a.Options, Why: a.Why,
		Firmware: string(a.Firmware), Cause: a.Cause,
	}
}
