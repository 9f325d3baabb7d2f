package appliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/appliance/httpboot"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/pxe"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/osd/status"
)

// dhcp records what the DHCP server saw and did. It is put into words by who writes it
// down: the answer to the machine does not wait for that, and a flood costs no words.
func (r *recorder) dhcp(e dhcp.Event) {
	r.at(e)
	now := r.now()
	r.put(func(ctx context.Context) error {
		f := flightOf(e)
		f.Time = now
		return r.store.Record(ctx, f)
	})
	if e.Kind == dhcp.Seen && e.Firmware != string(pxe.NotBoot) && e.Firmware != string(pxe.Agent) {
		for _, o := range r.ear.asked(e, now) {
			r.other(o)
		}
	}
}

func flightOf(e dhcp.Event) status.FlightEvent {
	why := strings.Join(e.Why, "; ")
	f := status.FlightEvent{Client: e.MAC.String(), Boot: &status.Boot{Firmware: e.Firmware, Transaction: transaction(e.TransactionID),
		Interface: e.Interface, Port: e.Port, Address: text(e.Client), Cause: e.Cause}}
	switch e.Kind {
	case dhcp.Seen:
		f.What, f.Text = status.FlightDiscover, fmt.Sprintf("asks on %s port %d", e.Interface, e.Port)
		f.Boot.Cause = ""
	case dhcp.Requested:
		f.What, f.Boot.Server, f.Boot.Cause = status.FlightRequest, text(e.Server), ""
		f.Text = "takes the address of " + cmp.Or(f.Boot.Server, "a server that it does not name")
	case dhcp.Offered, dhcp.Acked:
		f.What, f.Text, f.Boot.File = status.FlightOffer, e.File, e.File
		if e.Client.IsValid() {
			f.Text = "address " + e.Client.String() + " " + e.File
		}
		f.Text = strings.TrimSpace(f.Text + " (" + why + ")")
	default:
		f.What, f.Text = status.FlightRefused, string(e.Kind)+": "+why
	}
	return f
}

// other records an offer of another server to a machine that boots from the network.
func (r *recorder) other(o selftest.Offer) {
	b := &status.Boot{Transaction: transaction(o.TransactionID), Interface: o.Interface, Server: text(o.Server), Sender: o.Sender.String(), Address: text(o.Address),
		Class: o.Class, File: o.File}
	if o.Impostor {
		b.Cause = status.CauseImpostor
	}
	said := "the server " + b.Server + " offers an address and nothing about network boot"
	if len(o.Words) > 0 {
		said = strings.Join(o.Words, "; ")
	}
	r.event(status.FlightEvent{Client: o.MAC.String(), What: status.FlightOther, Text: said, Boot: b})
}

func transaction(id uint32) string { return fmt.Sprintf("%08x", id) }

// text is empty for an address that is not there.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// macOf finds the hardware address of a client on the segment.
func macOf(a netip.Addr) string {
	s, err := network.Read()
	if err != nil {
		return ""
	}
	return s.MAC(a).String()
}

// whose finds the hardware address of a client: on the segment, else of who said behind a
// relay that it has or takes this address. It is good enough to record by, and for nothing else.
func (r *recorder) whose(a netip.Addr) string {
	if mac := macOf(a); mac != "" {
		return mac
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	mac, _ := r.homes.Get(a)
	return mac
}

// at remembers the address of a client, for whose.
func (r *recorder) at(e dhcp.Event) {
	a := e.Has
	if e.Kind == dhcp.Acked && e.Client.IsValid() {
		a = e.Client
	}
	if !a.IsValid() || e.Firmware == string(pxe.NotBoot) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.homes.Put(a, e.MAC.String(), maxHearing)
}

// only32 records that a loader found a processor without long mode.
func (r *recorder) only32(mac string) {
	r.event(status.FlightEvent{Client: mac, What: status.FlightRefused, Text: pxe.Only32Why, Boot: &status.Boot{Cause: status.CauseArchitecture}})
}

func (b *Box) doneTFTP(t tftp.Transfer) {
	if t.Probe {
		return
	}
	b.flight.tftp(func() string { return b.flight.whose(t.Client.Addr()) }, t)
	if t.Err == nil {
		b.handedOut(macOf(t.Client.Addr()), t.Client.Addr(), t.Name)
	}
}

func (r *recorder) tftp(mac func() string, t tftp.Transfer) {
	boot := &status.Boot{File: t.Name}
	said := transferText(t.Name, t.Bytes, t.Duration)
	switch {
	case errors.Is(t.Err, fs.ErrNotExist) && pxe.MayLack(t.Name):
		boot.Cause, said = status.CauseOptional, t.Name+": not there, and need not be"
	case errors.Is(t.Err, fs.ErrNotExist):
		boot.Cause, said = status.CauseMissing, t.Name+": there is no such file"
	case t.Err != nil:
		boot.Cause = status.CauseBroken
		said += ": " + t.Err.Error()
	}
	r.eventOf(mac, status.FlightEvent{What: status.FlightTFTP, Text: said, Bytes: t.Bytes, Millis: t.Duration.Milliseconds(), Boot: boot})
}

func (b *Box) doneHTTP(t httpboot.Transfer) {
	named := t.MAC.String()
	b.flight.http(func() string {
		if named != "" {
			return named
		}
		return b.flight.whose(t.Client.Addr())
	}, t)
	if !t.Complete || t.Status != http.StatusOK || t.Bytes == 0 {
		return
	}
	// Anybody can name another machine in an address: only who is at the other end
	// counts, and only a file that went out whole.
	if at := macOf(t.Client.Addr()); named == "" || named == at {
		b.handedOut(at, t.Client.Addr(), t.ImageID+"/"+t.Name)
	}
}

func (r *recorder) http(mac func() string, t httpboot.Transfer) {
	boot := &status.Boot{File: strings.TrimPrefix(t.ImageID+"/"+t.Name, "/")}
	said := transferText(boot.File, t.Bytes, t.Duration)
	switch {
	case t.Status == http.StatusNotFound:
		boot.File = fmt.Sprintf("%.100q", boot.File) // anybody may ask for anything
		boot.Cause, said = status.CauseMissing, boot.File+": there is no such file"
	case !t.Complete:
		boot.Cause = status.CauseBroken
		said += fmt.Sprintf(": broken off, status %d", t.Status)
	}
	r.eventOf(mac, status.FlightEvent{What: status.FlightHTTP, Text: said, Bytes: t.Bytes, Millis: t.Duration.Milliseconds(), Boot: boot})
}

func transferText(name string, n int64, took time.Duration) string {
	text := fmt.Sprintf("%s, %s", name, serialconsole.Bytes(n))
	if s := took.Seconds(); s > 0 {
		text += fmt.Sprintf(" in %.2f s, %s/s", s, serialconsole.Bytes(int64(float64(n)/s)))
	}
	return text
}
