package wizard

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Adapter is a network adapter of the machine.
type Adapter struct {
	Name, MAC string
	Carrier   bool
	Addresses []string // with prefix
}

// Settings is how an adapter is to get its address: the zero value is by DHCP.
type Settings struct {
	Adapter string
	// Address is the static one, not valid for DHCP.
	Address netip.Prefix
	Gateway netip.Addr
	DNS     []netip.Addr
}

// Fields of the network page.
const (
	atAdapter = iota
	atAddress
	atGateway
	atDNS
)

// Adapters lets the network be set, F2, and says how it is now.
func (w *Wizard) Adapters(all []Adapter) { w.adapters = all }

// Wanted is what is to be tried, good after TryNetwork.
func (w *Wizard) Wanted() Settings { return w.wanted }

// OpenNetwork turns to the network page.
func (w *Wizard) OpenNetwork() { w.network() }

func (w *Wizard) network() {
	if w.page != Network && len(w.adapters) > 0 {
		w.turn(Network)
	}
}

// settings are the fields of the network page.
func (w *Wizard) settings() form {
	first := "1"
	for i, a := range w.adapters {
		if a.Carrier {
			first = strconv.Itoa(i + 1)
			break
		}
	}
	f := form{at: atAddress, fields: []field{
		{label: "Adapter:                                ", value: []byte(first)},
		{label: "Address with prefix, or nothing (DHCP): "},
		{label: "Gateway, or nothing:                    "},
		{label: "Name server, or nothing:                "},
	}}
	return f
}

// try takes a line of the network page; behind the last, or the choice of DHCP, the settings are
// tried.
func (w *Wizard) try() Effect {
	if w.form.at < atAddress {
		w.form.at++
		return Stay
	}
	s, at, err := w.read()
	if err != nil {
		w.form.at, w.problem = at, err.Error()
		return Stay
	}
	if s.Address.IsValid() && w.form.at < atDNS {
		w.form.at++
		w.problem = ""
		return Stay
	}
	w.wanted, w.problem, w.note = s, "", "the settings are being tried; this takes up to a minute"
	return TryNetwork
}

// read reads the fields up to the one under the cursor; at is the one that is wrong.
func (w *Wizard) read() (s Settings, at int, err error) {
	text := func(i int) string { return strings.TrimSpace(string(w.form.fields[i].value)) }
	n, err := strconv.Atoi(text(atAdapter))
	if err != nil || n < 1 || n > len(w.adapters) {
		return s, atAdapter, fmt.Errorf("give the number of an adapter, 1 to %d", len(w.adapters))
	}
	s.Adapter = w.adapters[n-1].Name
	if text(atAddress) == "" {
		return s, 0, nil
	}
	if s.Address, err = netip.ParsePrefix(text(atAddress)); err != nil || !usable(s.Address.Addr()) || s.Address.Bits() < 1 || s.Address.Bits() > 31 {
		return s, atAddress, fmt.Errorf("give an IPv4 address with the length of its prefix, such as 10.1.2.30/24")
	}
	if text(atGateway) != "" && w.form.at >= atGateway {
		if s.Gateway, err = netip.ParseAddr(text(atGateway)); err != nil || !s.Address.Contains(s.Gateway) || s.Gateway == s.Address.Addr() {
			return s, atGateway, fmt.Errorf("give another address within %s, or nothing", s.Address.Masked())
		}
	}
	if text(atDNS) == "" || w.form.at < atDNS {
		return s, 0, nil
	}
	dns, err := netip.ParseAddr(text(atDNS))
	if err != nil {
		return s, atDNS, fmt.Errorf("give the address of a name server, or nothing")
	}
	s.DNS = []netip.Addr{dns}
	return s, 0, nil
}

func usable(a netip.Addr) bool {
	return a.Is4() && !a.IsLoopback() && !a.IsMulticast() && !a.IsUnspecified() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
