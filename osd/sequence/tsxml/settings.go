package tsxml

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

func readCaptureNetwork(in *input) *sequence.CaptureNetworkSettings {
	return &sequence.CaptureNetworkSettings{Adapters: in.bool("MigrateAdapterSettings", "OSDMigrateAdapterSettings"), Membership: in.bool("MigrateNetworkMembership", "OSDMigrateNetworkMembership")}
}

func writeCaptureNetwork(out *output, s *sequence.CaptureNetworkSettings) {
	out.bool("MigrateAdapterSettings", "OSDMigrateAdapterSettings", s.Adapters)
	out.bool("MigrateNetworkMembership", "OSDMigrateNetworkMembership", s.Membership)
	out.run("osdnetsettings.exe capture netmembership:%%OSDMigrateNetworkMembership%% adapters:%%OSDMigrateAdapterSettings%%")
}

func readCaptureWindows(in *input) *sequence.CaptureWindowsSettings {
	return &sequence.CaptureWindowsSettings{ComputerName: in.bool("MigrateComputerName", "OSDMigrateComputerName"),
		Owner: in.bool("MigrateRegistrationInfo", "OSDMigrateRegistrationInfo"), TimeZone: in.bool("MigrateTimeZone", "OSDMigrateTimeZone")}
}

func writeCaptureWindows(out *output, s *sequence.CaptureWindowsSettings) {
	out.cannot("locale", s.Locale)
	out.bool("MigrateComputerName", "OSDMigrateComputerName", s.ComputerName)
	out.bool("MigrateRegistrationInfo", "OSDMigrateRegistrationInfo", s.Owner)
	out.bool("MigrateTimeZone", "OSDMigrateTimeZone", s.TimeZone)
	out.run("osdwinsettings.exe /capture /name:%%OSDMigrateComputerName%% /reginfo:%%OSDMigrateRegistrationInfo%% /timezone:%%OSDMigrateTimeZone%%")
}

// maxAdapters bounds what is read.
const maxAdapters = 32

func readNetwork(in *input) *sequence.ApplyNetworkSettings {
	s := &sequence.ApplyNetworkSettings{}
	if domain := in.get("DomainName", "OSDDomainName"); domain != "" && strings.TrimSpace(in.get("NetworkJoinType", "OSDNetworkJoinType")) != "1" {
		in.warn("that it joins the domain %s is kept for export and not done: add a step that joins it", domain)
	} else {
		s.Workgroup = in.get("WorkgroupName", "OSDWorkgroupName")
	}
	for i := range min(in.int("NumAdapters", "OSDAdapterCount"), maxAdapters) {
		s.Adapters = append(s.Adapters, in.adapter(i))
	}
	return s
}

func (in *input) adapter(i int) sequence.Adapter {
	get := func(property string) string {
		return strings.TrimSpace(in.get(fmt.Sprintf("Adapters%d%s", i, property), fmt.Sprintf("OSDAdapter%d%s", i, property)))
	}
	a := sequence.Adapter{MAC: get("MACAddress")}
	addresses, masks := list(get("IPAddressList")), list(get("SubnetMask"))
	if isTrue(get("EnableDHCP")) || len(addresses) == 0 {
		a.DHCP = true
		return a
	}
	for n, address := range addresses {
		if n < len(masks) {
			address += "/" + prefixLength(masks[n])
		}
		a.Addresses = append(a.Addresses, address)
	}
	a.Gateways, a.DNSServers = list(get("Gateways")), list(get("DNSServerList"))
	a.DNSSuffix = strings.TrimSpace(in.get("DNSDomain", "OSDDNSDomain"))
	return a
}

// prefixLength is that of a mask such as 255.255.255.0, or the text itself.
func prefixLength(mask string) string {
	ip, err := netip.ParseAddr(mask)
	if err != nil || !ip.Is4() {
		return mask
	}
	for bits := range 33 {
		if p, err := netip.MustParseAddr("255.255.255.255").Prefix(bits); err == nil && p.Masked().Addr() == ip {
			return strconv.Itoa(bits)
		}
	}
	return mask
}

// maskOf is the contrary.
func maskOf(prefix netip.Prefix) string {
	if !prefix.Addr().Is4() {
		return strconv.Itoa(prefix.Bits())
	}
	all, _ := netip.MustParseAddr("255.255.255.255").Prefix(prefix.Bits())
	return all.Masked().Addr().String()
}

func writeNetwork(out *output, s *sequence.ApplyNetworkSettings) {
	kind := "0"
	if s.Workgroup != "" {
		kind = "1"
	}
	out.set("NetworkJoinType", "OSDNetworkJoinType", kind)
	out.set("WorkgroupName", "OSDWorkgroupName", s.Workgroup)
	out.int("NumAdapters", "OSDAdapterCount", len(s.Adapters))
	suffix := ""
	for i, a := range s.Adapters {
		out.cannot(fmt.Sprintf("adapters[%d].dnsSuffix, of which all have one", i), a.DNSSuffix != "" && suffix != "" && suffix != a.DNSSuffix)
		if a.DNSSuffix != "" {
			suffix = a.DNSSuffix
		}
		set := func(property, value string) {
			out.set(fmt.Sprintf("Adapters%d%s", i, property), fmt.Sprintf("OSDAdapter%d%s", i, property), value)
		}
		var addresses, masks []string
		for _, text := range a.Addresses {
			address, mask, _ := strings.Cut(text, "/")
			if p, err := netip.ParsePrefix(text); err == nil {
				mask = maskOf(p)
			}
			addresses, masks = append(addresses, address), append(masks, mask)
		}
		set("MACAddress", a.MAC)
		set("EnableDHCP", strconv.FormatBool(a.DHCP))
		set("IPAddressList", strings.Join(addresses, ","))
		set("SubnetMask", strings.Join(masks, ","))
		set("Gateways", strings.Join(a.Gateways, ","))
		set("DNSServerList", strings.Join(a.DNSServers, ","))
	}
	if slices.ContainsFunc(s.Adapters, func(a sequence.Adapter) bool { return a.DNSSuffix != "" }) {
		out.set("DNSDomain", "OSDDNSDomain", suffix)
	}
	out.run("osdnetsettings.exe configure")
}

func readWindows(in *input) *sequence.ApplyWindowsSettings {
	s := &sequence.ApplyWindowsSettings{Owner: in.get("RegisteredUserName", "OSDRegisteredUserName"), Organization: in.get("RegisteredOrgName", "OSDRegisteredOrgName"),
		ProductKey: strings.TrimSpace(in.get("ProductKey", "OSDProductKey")), TimeZone: in.get("TimeZone", "OSDTimeZone")}
	random, el := in.find("RandomAdminPassword", "OSDRandomAdminPassword")
	if password := strings.TrimSpace(in.get("AdminPassword", "OSDLocalAdminPassword")); el != nil && !isTrue(random) {
		s.AdministratorPassword = password
		if password == "" {
			in.warn("the administrator's password is not in the document: the account is disabled, unless the step names the variable of a Secret")
		}
	}
	return s
}

func writeWindows(out *output, s *sequence.ApplyWindowsSettings) {
	out.cannot("locale", s.Locale != "")
	out.set("RegisteredUserName", "OSDRegisteredUserName", s.Owner)
	out.set("RegisteredOrgName", "OSDRegisteredOrgName", s.Organization)
	out.set("ProductKey", "OSDProductKey", s.ProductKey)
	out.set("TimeZone", "OSDTimeZone", s.TimeZone)
	out.bool("RandomAdminPassword", "OSDRandomAdminPassword", s.AdministratorPassword == "")
	out.set("AdminPassword", "OSDLocalAdminPassword", s.AdministratorPassword)
	out.run("osdwinsettings.exe /config")
}
