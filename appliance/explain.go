package appliance

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/trace"
)

// explain says what a machine would be sent now, by kind of firmware: the one that
// is named, else the one that it showed last, else each. Nothing is changed.
func (b *Box) explain(ctx context.Context, mac, firmware string) (api.BootExplanation, error) {
	x := api.BootExplanation{Client: mac}
	hw, err := net.ParseMAC(mac)
	if err != nil {
		return x, api.Errorf(api.CodeInvalid, "client", "%v", err)
	}
	m := pxe.Machine{MAC: hw, Port: dhcp.ServerPort}
	if m.UUID, x.Firmware, m.Interface, err = b.lastSeen(ctx, mac); err != nil {
		return x, err
	}
	kinds := pxe.Kinds()
	if one := pxe.Firmware(cmp.Or(firmware, x.Firmware)); one != pxe.NotBoot {
		if !slices.Contains(kinds, one) {
			return x, api.Errorf(api.CodeInvalid, "firmware", "%q is no kind of firmware", one).WithRemedy("give one of %v", kinds)
		}
		kinds = []pxe.Firmware{one}
	}
	s, mode := b.serverOn(&m)
	x.Interface, x.Mode = m.Interface, string(mode)
	for _, kind := range kinds {
		m.Firmware = kind
		x.Answers = append(x.Answers, answerIn(mode, m, s, func(m pxe.Machine) (pxe.Intent, []string) { return b.ExplainBoot(ctx, m) }))
	}
	return x, nil
}

// answerIn decides on the example packet of a machine's firmware as it comes to the box
// in a mode of its interface.
func answerIn(mode PXEMode, m pxe.Machine, s pxe.Server, intend func(pxe.Machine) (pxe.Intent, []string)) api.BootAnswer {
	q, _ := pxe.Example(m.Firmware, m.MAC) // kinds are those that there are examples of
	q, words, comes := comesBy(mode, q)
	m.Port = q.Port
	in, why := intend(m)
	if !comes {
		return bootAnswer(m.Firmware, in, why, pxe.Answer{Why: words})
	}
	a := bootAnswer(m.Firmware, in, why, pxe.Decide(q, in, s))
	a.Packet = append(words, a.Packet...)
	if a.Send && !s.Address.IsValid() {
		a.Send = false
		a.Packet = append(a.Packet, "the box has no address on that interface now")
	}
	return a
}

// comesBy is the packet by which firmware asks the box in a mode of its interface, and what
// that takes, in words. If none comes to the box, the words say why.
func comesBy(mode PXEMode, first pxe.Request) (q pxe.Request, words []string, comes bool) {
	switch {
	case mode == PXEOff:
		return first, []string{"pxe: off: this box does not answer network boot on that interface"}, false
	case mode == PXERelay:
		return first, []string{"pxe: relay: if a relay hands its question on; what it broadcasts on the box's own segment is left alone"}, true
	case mode != PXEProxy4011:
		return first, nil, true
	case strings.HasPrefix(first.VendorClass, "HTTPClient"):
		return first, []string{"pxe: proxy-4011: UEFI HTTP Boot asks on UDP 67 only, which belongs to the DHCP server of this host: choose PXE, or let that server send option 60 HTTPClient and the URL"}, false
	}
	first.Port, first.Type = dhcp.ProxyPort, dhcpv4.MessageTypeRequest
	return first, []string{"pxe: proxy-4011: asks on UDP 4011, if the DHCP server of this host sends it option 60 PXEClient and no boot file"}, true
}

// lastSeen is what the machine showed when it asked last; all empty for one that did not.
func (b *Box) lastSeen(ctx context.Context, mac string) (uuid, firmware, iface string, err error) {
	boot, _, err := b.store.Boot(ctx, mac)
	if err != nil {
		return "", "", "", err
	}
	events, err := b.store.FlightOf(ctx, mac, maxLast)
	if err != nil {
		return "", "", "", err
	}
	for _, e := range events {
		if e.Boot != nil && e.Boot.Interface != "" {
			iface = e.Boot.Interface
		}
	}
	return boot.GUID, trace.Firmware(events), iface, nil
}

// maxLast is how many events are looked through for the last sign of a machine's firmware.
const maxLast = 200

// serverOn is what answers say of the box on the machine's interface, the first that
// serves where the machine has shown none, and the mode of that.
func (b *Box) serverOn(m *pxe.Machine) (pxe.Server, PXEMode) {
	s := pxe.Server{HTTPPort: b.o.Config.Ports.HTTP}
	if id := b.link.Identity(); id != nil {
		s.BoxID, s.SiteCode = id.Box, id.Site
	}
	b.mu.Lock()
	serving := make([]string, 0, len(b.answering))
	for name, on := range b.answering {
		if on {
			serving = append(serving, name)
		}
	}
	b.mu.Unlock()
	slices.Sort(serving)
	if m.Interface == "" && len(serving) > 0 {
		m.Interface = serving[0]
	}
	if m.Interface != "" {
		s.Address = b.watch.Source(m.Interface)()
	}
	mode := modeOf(b.o.Config.Interfaces, m.Interface)
	if mode == PXEDHCP {
		s.Mode = dhcp.DHCP
	}
	return s, mode
}

// bootAnswer tells a decision and the packet made of it.
func bootAnswer(kind pxe.Firmware, in pxe.Intent, why []string, a pxe.Answer) api.BootAnswer {
	out := api.BootAnswer{Firmware: string(kind), Action: in.Action.String(), BootImage: in.Image.ID, Policy: why, Send: a.Send, File: a.File,
		NextServer: text(a.NextServer), Packet: []string{}}
	if in.Action == pxe.Boot && in.Image.CommandSupport {
		out.Policy = append(slices.Clone(why), policy.CommandSupportText)
	}
	for _, w := range a.Why {
		if w != "" && w != in.Reason { // which the words of policy tell
			out.Packet = append(out.Packet, w)
		}
	}
	for _, o := range a.Options {
		name, value := pxe.Describe(o)
		out.Options = append(out.Options, api.BootOption{Code: o.Code, Name: name, Value: value})
	}
	return out
}
