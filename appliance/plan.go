package appliance

import (
	"slices"
	"strings"
)

// Kind is a kind of service of the box.
type Kind string

// The kinds of services.
const (
	KindNetwork  Kind = "network"  // gives an interface its address
	KindRouter   Kind = "router"   // answers IPv6 router solicitations, so that iPXE does not wait
	KindSegment  Kind = "segment"  // looks out for other PXE servers, listens to the switch
	KindDHCP     Kind = "dhcp"     // UDP 67 and 4011
	KindWake     Kind = "wake"     // wakes machines when their assignments come
	KindTFTP     Kind = "tftp"     // UDP 69
	KindHTTP     Kind = "http"     // boot files, TCP 80
	KindHTTPS    Kind = "https"    // management point and distribution point, TCP 443
	KindMetrics  Kind = "metrics"  // metrics and health
	KindConsole  Kind = "console"  // the serial console
	KindEnrol    Kind = "enrol"    // gets the box its identity, once
	KindPolicy   Kind = "policy"   // follows the site's policy
	KindContent  Kind = "content"  // fetches and verifies what policy needs
	KindSelfTest Kind = "selftest" // tests the segments when policy comes
	KindCheckIn  Kind = "checkin"  // tells the site how the box is
	KindOutbox   Kind = "outbox"   // sends status messages and events to the site
	KindLogs     Kind = "logs"     // sends logs of jobs that somebody at the site wants to see
	KindCaretake Kind = "caretake" // renews certificates, closes abandoned jobs, tidies the database
)

// Spec is one service that the box is to run.
type Spec struct {
	Name      string // unique
	Kind      Kind
	Interface Interface // of KindNetwork, KindRouter, KindDHCP and KindSegment; with its real name
}

// Plan says which services a configuration means on a host with these Ethernet
// interfaces. It is pure.
func Plan(c Config, links []string) []Spec {
	specs := []Spec{{Name: "console", Kind: KindConsole}, {Name: "metrics", Kind: KindMetrics}}
	serves := false
	for _, n := range expand(c.Interfaces, links) {
		if n.Address != AddressKeep {
			specs = append(specs, Spec{"network " + n.Name, KindNetwork, n})
		}
		if n.PXE == PXEOff {
			continue
		}
		serves = true
		specs = append(specs, Spec{"dhcp " + n.Name, KindDHCP, n}, Spec{"router " + n.Name, KindRouter, n}, Spec{"segment " + n.Name, KindSegment, n})
	}
	if serves {
		specs = append(specs, Spec{Name: "tftp", Kind: KindTFTP}, Spec{Name: "wake", Kind: KindWake})
	}
	specs = append(specs, Spec{Name: "http", Kind: KindHTTP}, Spec{Name: "https", Kind: KindHTTPS}, Spec{Name: "caretake", Kind: KindCaretake})
	if c.Site == nil {
		return specs
	}
	if serves {
		specs = append(specs, Spec{Name: "selftest", Kind: KindSelfTest})
	}
	return append(specs,
		Spec{Name: "enrol", Kind: KindEnrol}, Spec{Name: "policy", Kind: KindPolicy}, Spec{Name: "content", Kind: KindContent},
		Spec{Name: "checkin", Kind: KindCheckIn}, Spec{Name: "outbox", Kind: KindOutbox}, Spec{Name: "logs", Kind: KindLogs})
}

// modeOf is what the box does on an interface of that name; PXEOff if it is not
// configured.
func modeOf(interfaces []Interface, name string) PXEMode {
	for _, n := range expand(interfaces, []string{name}) {
		if n.Name == name {
			return n.PXE
		}
	}
	return PXEOff
}

// expand replaces AnyInterface by the links that have no entry of their own.
// Named interfaces are kept even if they are not there yet: their services
// wait for them.
func expand(interfaces []Interface, links []string) []Interface {
	var all []Interface
	named := map[string]bool{}
	for _, n := range interfaces {
		named[n.Name] = true
	}
	for _, n := range interfaces {
		if n.Name != AnyInterface {
			all = append(all, n)
			continue
		}
		for _, l := range links {
			if !named[l] {
				each := n
				each.Name = l
				all = append(all, each)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Interface) int { return strings.Compare(a.Name, b.Name) })
	return all
}
