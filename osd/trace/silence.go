package trace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// soon is how fast firmware that found no boot file tries the next thing. One that
// waits on a 4011 where nobody answers takes longer.
const soon = 4 * time.Second

// ofSilence diagnoses a machine that was offered a boot file, took an address, and
// did not come back to this box. What other servers were heard to offer says why; if
// nothing was heard, the pause before it asked again does.
func (a *attempt) ofSilence(n next) Diagnosis {
	rivals := pick(a.others, func(b *status.Boot) bool { return b.File != "" || b.Address == "" && b.Class != "" })
	callers := pick(a.others, func(b *status.Boot) bool { return b.Class == "PXEClient" && b.File == "" && b.Address != "" })
	impostors := pick(a.others, func(b *status.Boot) bool { return b.Cause == status.CauseImpostor })
	pxe := !strings.HasSuffix(a.firmware(), "-http")
	stuck := n.firmware != ""
	switch {
	case len(impostors) > 0:
		return a.ofImpostor(offers(impostors))
	case len(rivals) > 0:
		return a.ofRival(offers(rivals), true)
	case len(callers) > 0 && pxe:
		return a.ofOption60(offers(callers), stuck)
	case len(a.others) > 0:
		return a.ofDeafness(true)
	case a.leased(): // it took another server's address, and nothing was heard of that one's offer
		return a.ofRival(a.otherAddress(), false)
	case strings.HasSuffix(a.firmware(), "-ipxe"): // our offer outranks others (option 175), and other proxies broadcast theirs
		return a.ofDeafness(false)
	case !pxe || stuck && n.after < soon:
		return a.ofDeafness(false)
	case stuck:
		return a.ofOption60(a.otherAddress(), false)
	}
	return a.ofRival(a.otherAddress(), false)
}

func pick(all []status.FlightEvent, like func(*status.Boot) bool) []status.FlightEvent {
	return slices.DeleteFunc(slices.Clone(all), func(e status.FlightEvent) bool { return !like(e.Boot) })
}

// otherAddress names the server whose address was taken.
func (a *attempt) otherAddress() string {
	if s := a.server(); s != "" {
		return s
	}
	return "a server that it did not name"
}

// silent is what was seen in all these cases.
func (a *attempt) silent() string {
	return fmt.Sprintf("%s was offered %s by this box, took the address of %s, and did not ask this box for anything", kind(a.firmware()), a.file(), a.otherAddress())
}

func (a *attempt) ofRival(who string, certain bool) Diagnosis {
	return Diagnosis{Code: OtherServer, Stopped: true, Certain: certain,
		Seen:     a.silent() + ": another PXE server answered it first: " + who,
		Expected: a.expected(),
		Remedy:   "two PXE servers on one segment race: switch one off here, or take the boot file (options 66 and 67) out of that server; bootward box selftest lists the servers of this segment"}
}

// ofImpostor: whom the machine spoke with after that depends on the switch and on ARP.
func (a *attempt) ofImpostor(who string) Diagnosis {
	return Diagnosis{Code: Impostor, Stopped: true, Certain: true,
		Seen:     a.silent() + ": somebody else answers under this box's own address: " + who,
		Expected: a.expected(),
		Remedy:   "two hosts have one address, or one passes for the box: find that MAC at the switch and take the address from it"}
}

// ofOption60 is certain of a machine that came back: one that did not may have found
// a PXE server there.
func (a *attempt) ofOption60(who string, certain bool) Diagnosis {
	remedy := "remove option 60 from that DHCP server: it says that a PXE server runs on the same host"
	if !certain {
		remedy += "; if it sends none, check that nothing between the machine and this box drops TFTP and HTTP (access list, firewall), above all behind a relay"
	}
	return Diagnosis{Code: Option60, Stopped: true, Certain: certain,
		Seen:     a.silent() + ": option 60 (PXEClient) of a DHCP server sends it to that server's UDP 4011, where nobody answers: " + who,
		Expected: a.expected(),
		Remedy:   remedy}
}

func (a *attempt) ofDeafness(certain bool) Diagnosis {
	remedy := "update its firmware, choose another way of network boot in it (HTTP Boot instead of PXE, or the reverse), or let the DHCP server itself name the box: option 66 its address, option 67 " + a.file()
	switch {
	case strings.HasSuffix(a.firmware(), "-ipxe"):
		remedy = "look whether the DHCP server " + a.otherAddress() + " sends option 175 with sub-option 176 (no-pxedhcp), which tells iPXE to leave proxy offers alone: remove it there; else let that server itself name the box: option 66 its address, option 67 " + a.file()
	case strings.HasSuffix(a.firmware(), "-http"):
		remedy = "choose PXE instead of HTTP Boot in its firmware, or let the DHCP server itself send option 60 HTTPClient and the URL in option 67: " + a.file()
	}
	return Diagnosis{Code: IgnoresProxy, Stopped: true, Certain: certain,
		Seen:     a.silent() + ": its firmware takes a boot file from the server that gives the address only, and ignores proxy offers",
		Expected: a.expected(), Remedy: remedy}
}

// expected is what was to come next.
func (a *attempt) expected() string {
	if strings.HasSuffix(a.firmware(), "-http") {
		return "its request for " + a.file() // HTTP Boot never asks on 4011
	}
	return "its question on UDP 4011 of this box, or its request for " + a.file()
}

// offers lists what was overheard, one server once.
func offers(all []status.FlightEvent) string {
	var list []string
	for _, e := range all {
		b := e.Boot
		said := []string{}
		if b.Cause == status.CauseImpostor {
			said = append(said, "MAC "+b.Sender)
		}
		if b.Class != "" {
			said = append(said, "option 60 "+b.Class)
		}
		if b.File != "" {
			said = append(said, "file "+b.File)
		}
		if b.Address == "" {
			said = append(said, "no address")
		}
		text := b.Server
		if len(said) > 0 {
			text += " (" + strings.Join(said, ", ") + ")"
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}
