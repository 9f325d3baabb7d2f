package trace

import (
	"cmp"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// agent is the kind of client that our agent is (appliance/pxe).
const agent = "bootward-agent"

// attempt is one try of a machine's firmware to boot, from its DISCOVER on.
type attempt struct {
	asked, last status.FlightEvent
	refused     *status.FlightEvent
	offer       *status.FlightEvent
	others      []status.FlightEvent // offers of other servers that were overheard
	request     *status.FlightEvent  // it took an address
	proxied     *status.FlightEvent  // it asked on 4011
	ack         *status.FlightEvent
	sent        *status.FlightEvent // the last file that it has
	trouble     *status.FlightEvent // the last file that it has not, nil after one that it has
	agent       *status.FlightEvent // the agent's first call
	ended       *status.FlightEvent // what became of that: claim, wait, refusal, job
}

// attempts cuts the events of a machine into the tries of its firmware: each begins
// with a DISCOVER of firmware in a transaction of its own. The agent's goes on with
// the boot before it.
func attempts(events []status.FlightEvent) []attempt {
	var all []attempt
	for i := range events {
		e := &events[i]
		b := e.Boot
		if b == nil {
			b = &status.Boot{}
		}
		if e.What == status.FlightDiscover && b.Firmware != agent && b.Port != proxyPort || len(all) == 0 {
			all = append(all, attempt{asked: *e})
		}
		all[len(all)-1].add(e, b)
	}
	return all
}

const proxyPort = 4011

func (a *attempt) add(e *status.FlightEvent, b *status.Boot) {
	a.last = *e
	switch e.What {
	case status.FlightDiscover:
		switch {
		case b.Firmware == agent:
			a.agent = e
		case b.Port == proxyPort:
			a.proxied = e
		}
	case status.FlightOffer:
		switch {
		case b.Firmware == agent, b.Firmware == "" && e.Boot != nil: // or an ordinary client of a box that gives addresses
		case b.Port == proxyPort || a.request != nil && b.Port != 0:
			a.ack = e
		default:
			a.offer = e
		}
	case status.FlightOther:
		if e.Boot == nil {
			break
		}
		a.others = append(a.others, *e)
	case status.FlightRequest:
		a.request = e
	case status.FlightTFTP, status.FlightHTTP:
		switch b.Cause {
		case status.CauseOptional:
		case "":
			a.sent, a.trouble = e, nil
		default:
			a.trouble = e
		}
	case status.FlightAgent:
		a.agent = e
	case status.FlightRefused:
		if e.Boot != nil || strings.HasPrefix(e.Text, "silent: ") { // of an older box
			a.refused = e
		} else {
			a.ended = e
		}
	case status.FlightServed, status.FlightClaim, status.FlightWaits, status.FlightApprove, status.FlightDeny, status.FlightPasswordFailed,
		status.FlightJobStarted, status.FlightJobEnded, status.FlightStatus:
		a.ended = e
	}
}

// firmware is the kind that asked.
func (a *attempt) firmware() string {
	if a.asked.Boot == nil {
		return ""
	}
	return a.asked.Boot.Firmware
}

// sentOn says whether the box's last answer sends it to its next boot device. Firmware
// that is told so by a boot menu asks for nothing more, and UEFI HTTP Boot for a file that
// is not there.
func (a *attempt) sentOn() bool {
	last := cmp.Or(a.ack, a.offer)
	return last != nil && last.Boot != nil && last.Boot.Cause == status.CauseNext
}

// leased says whether the box itself gave the machine its address.
func (a *attempt) leased() bool {
	return a.offer != nil && a.offer.Boot != nil && a.offer.Boot.Address != ""
}

// server is whose address the machine took, "" if it did not say.
func (a *attempt) server() string {
	if a.request == nil || a.request.Boot == nil {
		return ""
	}
	return a.request.Boot.Server
}

// quiet is how long a machine may be silent before it counts as stopped there:
// firmware asks again after four seconds at most, and OVMF stays ten on a 4011 where
// nobody answers; a boot image unpacks, loads its drivers and asks for an address.
func (a *attempt) quiet() time.Duration {
	switch {
	case a.sent != nil && a.trouble == nil:
		return 3 * time.Minute
	case a.request != nil:
		return 30 * time.Second
	}
	return 15 * time.Second
}
