package step

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// maxAdapters bounds what OSDAdapterCount may say.
const maxAdapters = 64

// adapterVariables are the OSDAdapter variables of links.
func adapterVariables(links []settings.Link) []captured {
	out := []captured{{true, "OSDAdapterCount", strconv.Itoa(len(links))}}
	for i, l := range links {
		add := func(wanted bool, property, value string) {
			out = append(out, captured{wanted, fmt.Sprintf("OSDAdapter%d%s", i, property), value})
		}
		var addresses, masks []string
		for _, p := range l.Addresses {
			addresses, masks = append(addresses, p.Addr().String()), append(masks, mask(p))
		}
		add(true, "MACAddress", l.MAC.String())
		add(true, "EnableDHCP", strconv.FormatBool(l.DHCP))
		add(!l.DHCP, "IPAddressList", strings.Join(addresses, ","))
		add(!l.DHCP, "SubnetMask", strings.Join(masks, ","))
		add(!l.DHCP, "Gateways", join(l.Gateways))
		add(!l.DHCP, "DNSServerList", join(l.DNS))
		add(!l.DHCP && len(l.Search) > 0, "DNSDomain", strings.Join(l.Search, ","))
	}
	return out
}

// mask is the subnet mask of an IPv4 network, the length of an IPv6 prefix.
func mask(p netip.Prefix) string {
	if !p.Addr().Is4() {
		return strconv.Itoa(p.Bits())
	}
	return net.IP(net.CIDRMask(p.Bits(), 32)).String()
}

func join[T fmt.Stringer](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.String()
	}
	return strings.Join(out, ",")
}

// adapterLinks reads the OSDAdapter variables; given says whether there are any. The first adapter without a MAC is
// the one that the machine is deployed through.
func adapterLinks(env *sequence.Environment, deployed string) (links []settings.Link, given bool, err error) {
	count, err := setting(env, "", "OSDAdapterCount")
	if err != nil || count == "" {
		return nil, false, err
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxAdapters {
		return nil, false, fmt.Errorf("variable OSDAdapterCount is %q; give a number from 0 to %d", count, maxAdapters)
	}
	for i := range n {
		l, err := adapterLink(env, i, deployed)
		if err != nil {
			return nil, true, fmt.Errorf("variables OSDAdapter%d…: %w", i, err)
		}
		links = append(links, l)
		deployed = ""
	}
	return links, n > 0, nil
}

func adapterLink(env *sequence.Environment, i int, deployed string) (l settings.Link, err error) {
	name := func(property string) string { return fmt.Sprintf("OSDAdapter%d%s", i, property) }
	var mac, dhcp, addresses, masks, gateways, dns, search string
	err = settingsOf(env, []wantedSetting{
		{&mac, deployed, []string{name("MACAddress")}}, {&dhcp, "", []string{name("EnableDHCP")}},
		{&addresses, "", []string{name("IPAddressList")}}, {&masks, "", []string{name("SubnetMask")}}, {&gateways, "", []string{name("Gateways")}},
		{&dns, "", []string{name("DNSServerList")}}, {&search, "", []string{name("DNSDomain"), name("DNSSuffix")}}})
	if err != nil {
		return l, err
	}
	text, err := osd.NormalizeMAC(mac)
	if err != nil {
		return l, err
	}
	if l.MAC, err = net.ParseMAC(text); err != nil {
		return l, err
	}
	if search != "" {
		l.Search = list(search)
	}
	if l.DHCP = strings.EqualFold(dhcp, "true") || addresses == ""; l.DHCP {
		return l, nil
	}
	if l.Addresses, err = prefixes(list(addresses), list(masks)); err != nil {
		return l, err
	}
	if l.Gateways, err = parse(list(gateways), env, netip.ParseAddr); err != nil {
		return l, err
	}
	l.DNS, err = parse(list(dns), env, netip.ParseAddr)
	return l, err
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// prefixes joins addresses with their masks, given in dots or as lengths. An address may bring its length along.
func prefixes(addresses, masks []string) (out []netip.Prefix, err error) {
	for i, a := range addresses {
		if strings.Contains(a, "/") {
			p, err := netip.ParsePrefix(a)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
			continue
		}
		if i >= len(masks) {
			return nil, fmt.Errorf("address %s has no subnet mask; give one for each address in SubnetMask", a)
		}
		bits, err := maskBits(masks[i])
		if err != nil {
			return nil, err
		}
		p, err := netip.ParsePrefix(a + "/" + strconv.Itoa(bits))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func maskBits(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	if ip := net.ParseIP(text).To4(); ip != nil {
		if ones, bits := net.IPMask(ip).Size(); bits == 32 {
			return ones, nil
		}
	}
	return 0, fmt.Errorf("subnet mask %q: give one such as 255.255.255.0, or the length of the prefix", text)
}
