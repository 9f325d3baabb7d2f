package wake

import (
	"net"
	"slices"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// MaxAge is how long after its time an assignment still wakes machines.
const MaxAge = time.Hour

// Assignment is an occurrence of a mandatory assignment that machines are woken
// for.
type Assignment struct {
	Advertisement osd.Advertisement
	// Occurrence is the zero time for asSoonAsPossible of an advertisement without
	// a start: it comes when the box first hears of it.
	Occurrence time.Time
}

// Call is a machine that is to be woken.
type Call struct {
	Assignment
	Computer *osd.Computer
	MACs     []net.HardwareAddr
	Why      string // for people: what it is woken for
}

// Due lists the newest assignment of each advertisement that wakes machines, if
// it has come and is not older than MaxAge.
func Due(all []osd.Advertisement, now time.Time) []Assignment {
	var due []Assignment
	for _, a := range all {
		if !a.WakeOnLAN || !a.Open(now) {
			continue
		}
		at, ok := a.Due(now, "")
		if ok && (at.IsZero() || now.Sub(at) <= MaxAge) {
			due = append(due, Assignment{a, at})
		}
	}
	return due
}

// Where is how the machines of an advertisement would ask: by PXE, or as running
// clients where it is available to those alone.
func (a Assignment) Where() string {
	if a.Advertisement.To(osd.ToBootMediaAndPXE) {
		return osd.ToBootMediaAndPXE
	}
	return osd.ToRunningClients
}

// Call says whether a computer is to be woken: it would start the advertisement by
// itself now, and has an address that can be called. stopped says why the wipe
// interlock has stopped the box, "" if it goes on.
func (a Assignment) Call(c *osd.Computer, d *policy.Decision, settings *osd.SiteSettings, stopped string) (Call, bool) {
	i := slices.IndexFunc(d.Offers, func(o policy.Offer) bool { return o.Mandatory && o.Advertisement.ID == a.Advertisement.ID })
	if i < 0 || stopped != "" && d.Offers[i].Sequence.Destructive {
		return Call{}, false
	}
	macs := addresses(c, settings)
	return Call{a, c, macs, a.Advertisement.Name}, len(macs) > 0
}

// addresses are those of a computer's own adapters: a dock or dongle may be at
// another machine.
func addresses(c *osd.Computer, settings *osd.SiteSettings) []net.HardwareAddr {
	var out []net.HardwareAddr
	for _, m := range c.MACs {
		normal, err := osd.NormalizeMAC(m)
		if err != nil || settings.Shared(normal) {
			continue
		}
		if mac, err := net.ParseMAC(normal); err == nil && len(mac) == 6 {
			out = append(out, mac)
		}
	}
	return out
}
