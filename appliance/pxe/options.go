package pxe

import (
	"slices"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Values that firmware insists on.
var (
	// pxeControl is option 43 for PXE: sub-option 6, PXE_DISCOVERY_CONTROL, with bit
	// 3 set ("use the boot file of this offer, no discovery"), and the end mark
	// (PXE 2.1 table 2-1).
	pxeControl = [...]byte{0x06, 0x01, 0x08, 0xff}
	// ipxePriority is option 175 with sub-option 1: this offer's settings win over
	// those of any other server. iPXE would else take a stray boot file from the
	// foreign server.
	ipxePriority = [...]byte{0x01, 0x01, 0x7f}
	// ipxeNoProxy is option 175 with sub-option 176: do not wait for offers of proxies,
	// which takes iPXE 3 s (dhcp_discovery_rx). It also shuts out what they say.
	ipxeNoProxy = [...]byte{0xb0, 0x01, 0x01}
)

// Sub-options of option 43 in answers to our agent.
const (
	agentBoxID    = 1
	agentSiteCode = 2
)

// maxOptions is how many options a boot answer has at most.
const maxOptions = 6

// send adds what every boot answer carries. Options 54 and 60 are mandatory:
// OVMF ignores a proxy offer without either. In dhcp mode PXE firmware gets none
// of 43 and 60: with an address in the same offer it reads file and siaddr as a
// plain BOOTP answer, and an option 60 would send it looking for a proxy.
func (a Answer) send(r Request, s Server) Answer {
	a.Send = true
	a.NextServer = s.Address
	a.Options = slices.Grow(a.Options, maxOptions)
	a.add(dhcpv4.OptionServerIdentifier, s.Address.AsSlice())
	if r.MachineID != nil {
		a.add(dhcpv4.OptionClientMachineIdentifier, r.MachineID)
	}
	switch {
	case !r.IPXE:
	case s.Mode == dhcp.DHCP && r.Port == dhcp.ServerPort: // address and script in one: nothing else is needed
		a.add(dhcpv4.OptionEtherboot, slices.Concat(ipxePriority[:], ipxeNoProxy[:]))
	default:
		a.add(dhcpv4.OptionEtherboot, ipxePriority[:])
	}
	switch {
	case a.File == "": // local boot; in dhcp mode too, where firmware then asks no proxy
		a.add(dhcpv4.OptionClassIdentifier, []byte(classPXE))
		a.add(dhcpv4.OptionVendorSpecificInformation, localBoot())
	case r.http() || a.Firmware == UEFIARM64HTTP:
		a.add(dhcpv4.OptionClassIdentifier, []byte(classHTTP))
	case s.Mode == dhcp.Proxy || r.Port == dhcp.ProxyPort:
		a.add(dhcpv4.OptionClassIdentifier, []byte(classPXE))
		a.add(dhcpv4.OptionVendorSpecificInformation, pxeControl[:])
	}
	return a
}

// agent tells our agent where its box is, who it is and which site it follows:
// public facts, given to everybody that asks.
func (a Answer) agent(r Request, s Server) Answer {
	if r.Port != dhcp.ServerPort || a.Type != dhcpv4.MessageTypeOffer {
		return a.silent("the agent's question is a DISCOVER on port 67")
	}
	a.Send, a.Standalone = true, true
	a.NextServer = s.Address
	a.add(dhcpv4.OptionServerIdentifier, s.Address.AsSlice())
	a.add(dhcpv4.OptionClassIdentifier, []byte(AgentClass))
	a.add(dhcpv4.OptionVendorSpecificInformation, append(
		subOption(agentBoxID, s.BoxID), subOption(agentSiteCode, s.SiteCode)...))
	if r.MachineID != nil {
		a.add(dhcpv4.OptionClientMachineIdentifier, r.MachineID)
	}
	return a.because("box and site are told to everybody")
}

func (a *Answer) add(code dhcpv4.OptionCode, data []byte) {
	a.Options = append(a.Options, dhcp.Option{Code: code.Code(), Data: data})
}

// subOption encodes one entry of option 43, cut at 100 bytes so that two of them
// fit into one option.
func subOption(code byte, v string) []byte {
	v = v[:min(len(v), 100)]
	return append([]byte{code, byte(len(v))}, v...)
}
