package network

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
)

// AgentClass is the vendor class (option 60) in both directions of the agent's search for its box. Sub-options of
// option 43 in the box's OFFER follow.
const (
	AgentClass    = "BootwardAgent"
	SubBoxID      = 1 // text
	SubSiteCode   = 2 // text, three letters
	uuidOptionLen = 17
)

// proxyServers is where PXE servers listen beside port 67 (PXE 2.1 section 2.2.3). It is not changed.
var proxyServers = &net.UDPAddr{IP: net.IPv4bcast, Port: 4011}

// Box is what a box tells an agent that looks for it. None of it is proven: the certificate behind Address is.
type Box struct {
	Address netip.Addr // where its management point listens
	ID      string
	Site    string
}

// DiscoverBox asks the segment behind a link for the box: a DHCPDISCOVER with vendor class AgentClass and this
// machine's SMBIOS UUID (RFC 4578 §2.3, option 97), answered on the usual ports by the box with an OFFER of the same
// class whose siaddr is the box and whose option 43 holds its id and site code. Offers of other servers are ignored.
// It repeats, with growing pauses, until a box answers or ctx ends; each third time it asks port 4011, which is all that a
// box has beside a DHCP server on its own host. The link is brought up; it needs no address.
func DiscoverBox(ctx context.Context, name string) (Box, error) {
	if err := ready(ctx, name); err != nil {
		return Box{}, err
	}
	c, err := nclient4.New(name, oneTry()...)
	if err != nil {
		return Box{}, fmt.Errorf("link %s: look for the box: %w", name, err)
	}
	defer c.Close()
	id := machineUUID("/sys/class/dmi/id/product_uuid")
	for try, wait := 1, resend; ; try, wait = try+1, min(2*wait, resendMost) {
		again, to := time.Now().Add(wait), nclient4.DefaultServers
		if try%3 == 0 {
			to = proxyServers
		}
		box, err := askBox(ctx, c, to, id, wait)
		if err == nil {
			return box, nil
		}
		if !pause(ctx, time.Until(again)) {
			return Box{}, fmt.Errorf("link %s: no box answered: %w", name, errors.Join(ctx.Err(), err))
		}
	}
}

func askBox(ctx context.Context, c *nclient4.Client, to *net.UDPAddr, id []byte, wait time.Duration) (Box, error) {
	discover, err := dhcpv4.NewDiscovery(c.InterfaceAddr(),
		dhcpv4.WithBroadcast(true),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(AgentClass)),
		dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, id)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionVendorSpecificInformation))
	if err != nil {
		return Box{}, err
	}
	var box Box
	_, err = exchange(ctx, c, to, discover, wait, func(p *dhcpv4.DHCPv4) bool {
		b, ok := parseBox(p)
		if ok {
			box = b
		}
		return ok
	})
	return box, err
}

// parseBox reads a box's OFFER; anything else, and an offer without address or id, is not one.
func parseBox(p *dhcpv4.DHCPv4) (Box, bool) {
	if p.MessageType() != dhcpv4.MessageTypeOffer || p.ClassIdentifier() != AgentClass {
		return Box{}, false
	}
	address, ok := netip.AddrFromSlice(p.ServerIPAddr.To4())
	if !ok || address.IsUnspecified() {
		return Box{}, false
	}
	vendor := dhcpv4.Options{}
	if err := vendor.FromBytes(p.GetOneOption(dhcpv4.OptionVendorSpecificInformation)); err != nil {
		return Box{}, false
	}
	b := Box{Address: address,
		ID:   text(vendor.Get(dhcpv4.GenericOptionCode(SubBoxID))),
		Site: text(vendor.Get(dhcpv4.GenericOptionCode(SubSiteCode)))}
	return b, b.ID != ""
}

// text keeps printable ASCII only: it goes to screens and logs.
func text(raw []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(raw))
}

// machineUUID is the value of option 97: type 0, then the UUID in the byte order of SMBIOS (first three fields little
// endian, SMBIOS §7.2.1), which is what boot firmware sends. The file shows it in text. Without one it is all zero.
func machineUUID(file string) []byte {
	out := make([]byte, uuidOptionLen)
	raw, err := os.ReadFile(file)
	if err != nil {
		return out
	}
	u, ok := parseUUID(strings.TrimSpace(string(raw)))
	if !ok {
		return out
	}
	for i, from := range []int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		out[1+i] = u[from]
	}
	return out
}

func parseUUID(s string) (u [16]byte, ok bool) {
	digits := strings.ReplaceAll(s, "-", "")
	if len(digits) != 32 {
		return u, false
	}
	_, err := hex.Decode(u[:], []byte(digits))
	return u, err == nil
}
