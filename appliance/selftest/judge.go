package selftest

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
)

// Observed is what was seen on one segment.
type Observed struct {
	Interface string
	Carrier   bool // something is at the other end of the cable
	Address   netip.Addr
	MTU       int
	// GivesAddresses: the box itself is the DHCP server here.
	GivesAddresses bool
	// Known are PXE servers that policy accepts.
	Known []string
	// Offers are those of others, in the order in which they came.
	Offers []Offer
	Switch *api.SwitchPort
	// Listened is how long the box has listened to the switch.
	Listened time.Duration
	// AsksWho: the switch asked by 802.1X who is there.
	AsksWho bool
	// Path is to the gateway; nil if there is none.
	Path *Path
	// Deaf are machines that asked again and again after the box's offers; Reacted
	// counts those that did not.
	Deaf    []string
	Reacted int
	// Trouble is what could not be looked at, and why.
	Trouble []string
}

// Judge says what the observations mean.
func Judge(o Observed) api.Segment {
	s := api.Segment{Interface: o.Interface, MTU: o.MTU, Switch: o.Switch, Servers: servers(o)}
	if o.Address.IsValid() {
		s.Address = o.Address.String()
	}
	j := judge{Observed: o, servers: s.Servers, findings: []api.Finding{}}
	if !o.Carrier {
		j.problem("look at the cable, and ask whether the switch port is enabled", "nothing is at the other end of the cable")
	} else {
		j.addresses()
		j.others()
		j.machines()
		j.packets()
		j.switches()
	}
	for _, t := range o.Trouble {
		j.warning("", "%s", t)
	}
	slices.SortStableFunc(j.findings, func(a, b api.Finding) int { return cmp.Compare(rank[a.Severity], rank[b.Severity]) })
	s.Findings = j.findings
	return s
}

var rank = map[string]int{api.FindingProblem: 0, api.FindingWarning: 1, api.FindingNote: 2}

// Limits of what a test tells: anybody on the segment can make up answers.
const (
	maxServers  = 32
	maxFindings = 64
)

// servers gathers the offers by the server that made them, in the order of their
// addresses.
func servers(o Observed) []api.SegmentServer {
	all := []api.SegmentServer{}
	for _, f := range o.Offers {
		name := f.Server.String()
		i := slices.IndexFunc(all, func(s api.SegmentServer) bool { return s.Address == name })
		if i < 0 && len(all) == maxServers {
			continue
		}
		if i < 0 {
			i = len(all)
			all = append(all, api.SegmentServer{Address: name, MAC: f.Sender.String(), Known: slices.Contains(o.Known, name)})
		}
		s := &all[i]
		s.DHCP = s.DHCP || f.Address.IsValid()
		s.PXE = s.PXE || f.Boots
		s.Class, s.File = cmp.Or(s.Class, f.Class), cmp.Or(s.File, f.File)
	}
	slices.SortFunc(all, func(a, b api.SegmentServer) int {
		return netip.MustParseAddr(a.Address).Compare(netip.MustParseAddr(b.Address))
	})
	return all
}

// answered says whether an address was given to one of the questions.
func (o Observed) answered(questions ...Question) bool {
	return slices.ContainsFunc(o.Offers, func(f Offer) bool { return f.Address.IsValid() && slices.Contains(questions, f.Question) })
}
