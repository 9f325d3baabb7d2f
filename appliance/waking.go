package appliance

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/wake"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// waking is the service that wakes machines, on the interfaces on which PXE is
// answered.
func (b *Box) waking(log *slog.Logger) *wake.Service {
	return &wake.Service{
		Policy: b.point.Evaluator, Changed: b.link.Changed, Stopped: b.point.Stopped, Memory: b.store,
		Decide: func(ctx context.Context, c *osd.Computer, where string) (policy.Decision, error) {
			if where == osd.ToBootMediaAndPXE && !b.answers(c) {
				return policy.Decision{}, nil
			}
			v, err := b.point.Decide(ctx, policy.Machine{MACs: c.MACs, SMBIOSGUID: c.SMBIOSGUID, Where: where})
			return v.Decision, err
		},
		Interfaces: b.pxeInterfaces, Send: wake.Send, Note: b.noteWake, Now: b.link.Now, Log: log,
	}
}

// wakeNow calls computers, because an administrator said so.
func (b *Box) wakeNow(ctx context.Context, computers []string) {
	b.waking(b.super.Logger("wake")).Call(ctx, computers, "an administrator")
}

// answers says whether the box would answer the computer at all.
func (b *Box) answers(c *osd.Computer) bool {
	s := b.snapshot()
	return s != nil && slices.ContainsFunc(c.MACs, func(m string) bool {
		n, err := osd.NormalizeMAC(m)
		if err != nil {
			return false
		}
		mac, err := net.ParseMAC(n)
		return err == nil && pxe.Closed(pxe.Machine{MAC: mac}, s.Box.PXE) == ""
	})
}

// pxeInterfaces are those on which PXE is answered now.
func (b *Box) pxeInterfaces() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name, on := range b.answering {
		if on {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// noteWake puts a call into the flight recorder of the machine.
func (b *Box) noteWake(c wake.Call, err error) {
	var macs []string
	for _, m := range c.MACs {
		macs = append(macs, m.String())
	}
	text := fmt.Sprintf("%s is woken for %s (%s)", c.Computer.Name, c.Why, strings.Join(macs, ", "))
	if err != nil {
		text += ": " + err.Error()
	}
	b.flight.event(status.FlightEvent{Client: macs[0], What: status.FlightWake, Text: text})
}
