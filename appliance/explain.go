package appliance

import (
	"cmp"
	"context"
	"net"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/pxe"
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
	s := b.serverOn(&m)
	x.Interface, x.Mode = m.Interface, s.Mode.String()
	for _, kind := range kinds {
		m.Firmware = kind
		in, why := b.ExplainBoot(ctx, m)
		q, _ := pxe.Example(kind, hw) // kinds are those that there are examples of
		a := bootAnswer(kind, in, why, pxe.Decide(q, in, s))
		if a.Send && !s.Address.IsValid() {
			a.Send = false
			a.Packet = append(a.Packet, "the box has no address on that interface now")
		}
		x.Answers = append(x.Answers, a)
	}
	return x, nil
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

// serverOn is what answers say of the box on the machine's interface; the first
// that serves where the machine has shown none.
func (b *Box) serverOn(m *pxe.Machine) pxe.Server {
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
	for _, n := range b.o.Config.Interfaces {
		if n.Name == m.Interface && n.PXE == PXEDHCP {
			s.Mode = dhcp.DHCP
		}
	}
	return s
}

// bootAnswer tells a decision and the packet made of it.
func bootAnswer(kind pxe.Firmware, in pxe.Intent, why []string, a pxe.Answer) api.BootAnswer {
	out := api.BootAnswer{Firmware: string(kind), Action: in.Action.String(), BootImage: in.Image.ID, Policy: why, Send: a.Send, File: a.File,
		NextServer: text(a.NextServer), Packet: []string{}}
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
