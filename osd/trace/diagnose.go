package trace

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// again is how soon a machine that asks anew is still in the same boot.
const again = 2 * time.Minute

// Diagnose says how far the machine came. Its arguments are those of Of.
func Diagnose(events []status.FlightEvent, messages []status.Message, now time.Time) Diagnosis {
	all := attempts(events)
	if d, ok := ofJob(events, messages, all); ok {
		return d
	}
	if len(all) == 0 {
		return Diagnosis{Code: Nothing, Certain: true, Stopped: true, Seen: "nothing was recorded of this machine",
			Expected: "a DHCPDISCOVER of its firmware",
			Remedy:   "check that network boot is on and first in its firmware, that the cable is in, and that its switch port is in the box's segment or has a relay to the box"}
	}
	last := &all[len(all)-1]
	d := last.diagnose(next{})
	settled := last.spoken() || now.Sub(last.last.Time) >= last.quiet()
	if !d.Stopped || settled && d.Certain {
		return d
	}
	// It is silent for a short time only, or that is all there is to see. If it was
	// there before, what it did then says more.
	if n := len(all); n > 1 && last.asked.Time.Sub(all[n-2].last.Time) < again {
		before := &all[n-2]
		if was := before.diagnose(next{last.asked.Time.Sub(before.last.Time), last.firmware()}); was.Stopped {
			return was
		}
	}
	if settled {
		return d
	}
	return Diagnosis{Code: Booting, Certain: true, At: d.At, Seen: "it is on its way: " + d.Seen, Expected: d.Expected}
}

// next is the try after this one, the zero value if there was none.
type next struct {
	after    time.Duration // silence before it
	firmware string
}

// spoken says whether an answer of the box itself ends the try, so that there is
// nothing to wait for.
func (a *attempt) spoken() bool { return a.refused != nil || a.trouble != nil || a.ended != nil }

// diagnose says how far one try came, taken as if the machine were silent since.
func (a *attempt) diagnose(n next) Diagnosis {
	d := a.stage(n)
	if d.At.IsZero() {
		d.At = a.last.Time
	}
	return d
}

func (a *attempt) stage(n next) Diagnosis {
	switch {
	case a.ended != nil || a.agent != nil:
		return a.ofAgent()
	case a.sentOn() != nil:
		return Diagnosis{Code: SentOn, Certain: true, Seen: "it was sent to its next boot device: " + reason(a.sentOn())}
	case a.sent != nil && a.refused != nil: // by a loader that looked at the processor
		return a.ofRefusal()
	case a.trouble != nil:
		return a.ofTrouble()
	case a.sent != nil:
		return a.ofSent()
	case a.refused != nil && a.offer == nil && a.ack == nil:
		return a.ofRefusal()
	case a.offer == nil && a.ack == nil:
		return Diagnosis{Code: Booting, Certain: true, Seen: kind(a.firmware()) + " asked", Expected: "this box's answer"}
	case a.request == nil && a.proxied == nil:
		return a.ofNoRequest()
	case a.proxied != nil || a.leased() && a.ack != nil:
		return a.ofNotFetched()
	}
	return a.ofSilence(n)
}

func (a *attempt) ofNoRequest() Diagnosis {
	d := Diagnosis{Code: NoRequest, Stopped: true, Certain: true,
		Seen:     kind(a.firmware()) + " asked and was answered, and took no address after that",
		Expected: "its broadcast DHCPREQUEST for the address of the segment's DHCP server",
		Remedy:   "check that the DHCP server of this segment is up and has free addresses; if it has, the switch may drop this box's answers (DHCP snooping): ask the network team to trust the box's port"}
	if a.leased() {
		d.Expected = "its DHCPREQUEST for the address " + a.offer.Boot.Address + " that this box offered"
		d.Remedy = "the offer may not reach it: ask the network team to trust the box's port for DHCP (DHCP snooping)"
	}
	if len(a.others) > 0 {
		d.Seen += "; offers overheard: " + offers(a.others)
		d.Remedy = "the machine was offered an address and took none: look at its screen, and at its cable and switch port (spanning tree without portfast makes ports deaf at first)"
	}
	return d
}

func (a *attempt) ofNotFetched() Diagnosis {
	file := a.file()
	return Diagnosis{Code: NotFetched, Stopped: true, Certain: true,
		Seen:     fmt.Sprintf("%s has its address, was told the file %s, and did not ask for it", kind(a.firmware()), file),
		Expected: "its request for " + file,
		Remedy:   "check that nothing between them drops " + protocol(file) + " to the box (firewall, access list, private VLAN)"}
}

// file is what the machine was told to load.
func (a *attempt) file() string {
	for _, e := range []*status.FlightEvent{a.ack, a.offer} {
		if e != nil && e.Boot != nil && e.Boot.File != "" {
			return e.Boot.File
		}
	}
	return "of its offer"
}

func protocol(file string) string {
	if strings.HasPrefix(file, "http") {
		return "HTTP (TCP 80)"
	}
	return "TFTP (UDP 69, answers from other ports)"
}

func (a *attempt) ofTrouble() Diagnosis {
	file := a.trouble.Text
	if b := a.trouble.Boot; b.Cause == status.CauseMissing {
		return Diagnosis{Code: FileMissing, Stopped: true, Certain: true, At: a.trouble.Time,
			Seen:     fmt.Sprintf("it asked by %s for the file %s, which this box has not", strings.ToUpper(a.trouble.What), b.File),
			Expected: "a request for " + a.file(),
			Remedy:   "if the name is one of a boot image, its content is not on the box: bootward content status; if not, another DHCP server gives the machine this name (option 67): remove it there"}
	}
	return Diagnosis{Code: TransferBroken, Stopped: true, Certain: true, At: a.trouble.Time,
		Seen:     "the transfer of a file broke off: " + file,
		Expected: "the whole file",
		Remedy:   "look for loss and a smaller MTU between the machine and the box, then for a machine that was switched off"}
}

func (a *attempt) ofSent() Diagnosis {
	file := a.sent.Text
	if b := a.sent.Boot; b != nil && b.File != "" {
		file = b.File
	}
	d := Diagnosis{Code: NotStarted, Stopped: true, Certain: true, At: a.sent.Time,
		Seen:     "it loaded " + file + ", and was not heard of since",
		Expected: "the agent's first call",
		Remedy:   "look at its screen: Secure Boot that refuses the file, too little memory, or a network card without a driver in the boot image"}
	if strings.Contains(path.Base(file), "pxe") { // undionly.kpxe, snponly.efi and boot.ipxe: loaders and their script
		d.Expected = "the loader's own request"
	}
	return d
}

func (a *attempt) ofRefusal() Diagnosis {
	why := reason(a.refused)
	cause := ""
	if a.refused.Boot != nil {
		cause = a.refused.Boot.Cause
	}
	switch cause {
	case status.CauseArchitecture:
		return Diagnosis{Code: NoBootImage, Stopped: true, Certain: true, At: a.refused.Time,
			Seen:     kind(a.firmware()) + " asked, and no boot image starts on it: " + why,
			Expected: "firmware that a boot image of this box fits",
			Remedy:   "switch the firmware to a way that is served (UEFI x64 or BIOS), start from media, or distribute a boot image of its architecture: bootward bootimage list"}
	case status.CausePolicy:
		return Diagnosis{Code: NotAnswered, Certain: true, At: a.refused.Time,
			Seen:   kind(a.firmware()) + " asked, and this box did not answer: " + why,
			Remedy: "if it is to be deployed: bootward box explain MAC says what would change that"}
	}
	return Diagnosis{Code: NotAnswered, Certain: true, At: a.refused.Time, Seen: kind(a.firmware()) + " asked, and got nothing: " + why}
}

// reason is the words behind what was decided.
func reason(e *status.FlightEvent) string {
	if e == nil {
		return ""
	}
	if _, why, ok := strings.Cut(e.Text, "("); ok && e.What == status.FlightOffer {
		return strings.TrimSuffix(why, ")")
	}
	return strings.TrimPrefix(e.Text, "silent: ")
}

// kind names a kind of firmware for people.
func kind(f string) string {
	switch f {
	case "bios-pxe":
		return "a BIOS boot ROM"
	case "bios-ipxe":
		return "iPXE on BIOS"
	case "uefi-x64-ipxe":
		return "iPXE on UEFI"
	case "":
		return "the machine"
	}
	return "firmware of kind " + f
}
