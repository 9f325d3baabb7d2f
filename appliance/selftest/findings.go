package selftest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
)

// What the network team is asked for, more than once.
const (
	askTrust  = "make the box's switch port a trusted port of DHCP snooping (Cisco: ip dhcp snooping trust): it answers DHCP there on purpose"
	askServer = "a DHCP server for this VLAN: a scope of its own, with an IP helper (relay) on the router if the server stands elsewhere"
)

// usualMTU is that of Ethernet, with which firmware boots.
const usualMTU = 1500

// switchPause is after which time a switch that speaks LLDP or CDP has spoken: it does so
// every 30 s (IEEE 802.1AB section 9.2.5.8), or every 60.
const switchPause = 65 * time.Second

// judge gathers findings.
type judge struct {
	Observed
	servers  []api.SegmentServer
	findings []api.Finding
}

func (j *judge) add(severity, ask, format string, args ...any) {
	f := api.Finding{Severity: severity, Text: fmt.Sprintf(format, args...), Ask: ask}
	if len(j.findings) < maxFindings && !slices.Contains(j.findings, f) {
		j.findings = append(j.findings, f)
	}
}

func (j *judge) problem(ask, format string, args ...any) {
	j.add(api.FindingProblem, ask, format, args...)
}
func (j *judge) warning(ask, format string, args ...any) {
	j.add(api.FindingWarning, ask, format, args...)
}
func (j *judge) note(ask, format string, args ...any) {
	j.add(api.FindingNote, ask, format, args...)
}

// addresses: one DHCP server must answer, the box or another.
func (j *judge) addresses() {
	if !j.Address.IsValid() {
		j.problem(askServer, "the box has no address here and answers nobody")
	}
	var givers []string
	for _, s := range j.servers {
		if s.DHCP {
			givers = append(givers, s.String())
		}
	}
	made := j.answered(Plain, BIOS, UEFI, HTTP)
	switch {
	case j.GivesAddresses && len(givers) > 0:
		j.problem("only one of the two may give addresses on this VLAN: switch one off, or set this interface of the box to pxe: proxy",
			"the box gives addresses here, and so does the %s", strings.Join(givers, ", the "))
	case j.GivesAddresses:
	case !made && j.answered(Own):
		j.warning(askTrust+"; and ask whether the DHCP server serves known machines only",
			"a DHCP server answers the box's own MAC but no MAC that it does not know: it serves known machines only, or the switch checks who sends (DHCP snooping, verify mac-address)")
	case !made:
		j.problem(askServer, "no DHCP server offers an address: machines cannot boot from the network")
	case len(givers) > 1:
		j.note("whether they are meant to be two (failover), with ranges that do not overlap", "%d DHCP servers answer: %s", len(givers), strings.Join(givers, ", "))
	}
	if made && !j.answered(BIOS, UEFI) {
		j.problem("serve machines that boot from the network too: no policy or class may leave out vendor class PXEClient (option 60)",
			"a DHCP server answers ordinary machines but none that boot from the network")
	}
}

// others: who else means network boot, and how that disturbs.
func (j *judge) others() {
	for _, o := range j.Offers {
		known := slices.Contains(j.Known, o.Server.String())
		for _, words := range o.Words {
			switch {
			case o.Impostor:
				j.problem("at which port of the switch this MAC hangs", "%s", words)
			case known:
				j.note("", "%s (policy knows this server)", words)
			case o.Boots:
				j.problem("", "%s", words)
			default:
				j.warning("", "%s", words)
			}
		}
	}
}

// machines: whether they react to the box's offers.
func (j *judge) machines() {
	if len(j.Deaf) == 0 {
		return
	}
	const shown = 3
	macs := strings.Join(j.Deaf[:min(len(j.Deaf), shown)], ", ")
	if len(j.Deaf) > shown {
		macs += " and others"
	}
	if j.Reacted > 0 {
		j.warning("whether these machines hang on a switch whose way to the box is not trusted by DHCP snooping",
			"%d machines ask again and again after the box's offers (%s), while %d others reacted", len(j.Deaf), macs, j.Reacted)
		return
	}
	j.problem(askTrust, "no machine reacts to the box's offers; %d ask again and again (%s): the switch seems to drop the box's answers (DHCP snooping)", len(j.Deaf), macs)
}

// packets: their size.
func (j *judge) packets() {
	switch p := j.Path; {
	case p == nil:
	case !p.Small:
		j.note("", "the gateway %s does not answer pings: whether large packets pass is not known", p.Peer)
	case !p.Large:
		j.problem(fmt.Sprintf("let packets of %d bytes pass that may not be fragmented, between the box's port and the gateway", p.Size),
			"the gateway %s answers small pings but none of %d bytes: the MTU on the way is smaller than the box's", p.Peer, p.Size)
	}
	switch {
	case j.MTU != 0 && j.MTU < usualMTU:
		j.warning(fmt.Sprintf("an MTU of %d", usualMTU), "the MTU is %d: firmware that fetches files by TFTP in blocks of %d bytes may get nothing", j.MTU, usualMTU-32)
	case j.MTU > usualMTU:
		j.warning(fmt.Sprintf("an MTU of %d", usualMTU), "the MTU is %d, but firmware boots with %d: larger packets of the box do not reach machines", j.MTU, usualMTU)
	}
	if s := j.Switch; s != nil && s.MaxFrame != 0 && j.MTU > 0 && s.MaxFrame < j.MTU+18 {
		j.warning("", "the switch says that its largest frame has %d bytes; an MTU of %d needs %d", s.MaxFrame, j.MTU, j.MTU+18)
	}
}

// switches: what the port says of itself.
func (j *judge) switches() {
	const askMAB = "MAC authentication bypass (MAB), or no 802.1X, on the ports of machines that are deployed and of the box"
	switch {
	case j.AsksWho && len(j.Offers) == 0:
		j.problem(askMAB, "the switch asks who is there (802.1X) and lets nothing pass: neither box nor firmware nor boot image can answer that")
	case j.AsksWho:
		j.warning(askMAB, "the switch asks who is there (802.1X); it lets the box in all the same, but machines need that too: firmware and boot image cannot answer")
	}
	switch {
	case j.Switch != nil:
	case j.Listened < switchPause:
		j.note("", "the switch has not told its port yet (LLDP, CDP); the box has listened for %s and needs up to %s", j.Listened.Round(time.Second), switchPause)
	default:
		j.note("LLDP or CDP on the box's port, so that it can say where it hangs", "the switch does not tell its port (LLDP, CDP)")
	}
}
