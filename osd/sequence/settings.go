package sequence

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/bootward/bootward/osd"
)

// ApplyNetworkSettings sets the name and the network of the applied system.
type ApplyNetworkSettings struct {
	Options
	Workgroup string `json:"workgroup,omitempty"`
	// Adapters that are left out use DHCP.
	Adapters []Adapter `json:"adapters,omitempty"`
}

// Adapter is the configuration of one network adapter.
type Adapter struct {
	// MAC chooses the adapter; left out, it is the one that the machine is
	// deployed through.
	MAC string `json:"mac,omitempty"`
	// DHCP or Addresses: exactly one of them.
	DHCP       bool     `json:"dhcp,omitempty"`
	Addresses  []string `json:"addresses,omitempty"` // such as 10.1.2.3/24
	Gateways   []string `json:"gateways,omitempty"`
	DNSServers []string `json:"dnsServers,omitempty"`
	DNSSuffix  string   `json:"dnsSuffix,omitempty"`
}

// CaptureNetworkSettings reads the network of the machine into variables (Capture Network
// Settings).
type CaptureNetworkSettings struct {
	Options
	// Adapters captures the adapters' configuration: OSDAdapterCount, OSDAdapter0IPAddressList
	// and so on.
	Adapters bool `json:"adapters,omitempty"`
	// Membership captures the domain or workgroup: OSDNetworkJoinType, OSDDomainName,
	// OSDWorkgroupName.
	Membership bool `json:"membership,omitempty"`
}

// ApplyWindowsSettings sets up the applied system (Apply Windows Settings): on Linux time zone,
// locale, owner and the administrator's account, which is root.
type ApplyWindowsSettings struct {
	Options
	Owner        string `json:"owner,omitempty"`
	Organization string `json:"organization,omitempty"`
	// ProductKey is for Windows alone. It names the variable that holds it.
	ProductKey string `json:"productKey,omitempty"`
	TimeZone   string `json:"timeZone,omitempty"` // such as Europe/Berlin, or Windows' name of a zone
	Locale     string `json:"locale,omitempty"`   // such as de_DE.UTF-8
	// AdministratorPassword names the variable that holds it. Left out, the account is
	// disabled, which the guide recommends (table 33).
	AdministratorPassword string `json:"administratorPassword,omitempty"`
}

// CaptureWindowsSettings reads settings of the machine's system into variables (Capture Windows
// Settings).
type CaptureWindowsSettings struct {
	Options
	ComputerName bool `json:"computerName,omitempty"` // OSDComputerName
	Owner        bool `json:"owner,omitempty"`        // OSDRegisteredUserName and OSDRegisteredOrgName
	TimeZone     bool `json:"timeZone,omitempty"`     // OSDTimeZone
	Locale       bool `json:"locale,omitempty"`       // OSDLocale
}

// Type implements Step.
func (*ApplyNetworkSettings) Type() Type   { return TypeApplyNetworkSettings }
func (*CaptureNetworkSettings) Type() Type { return TypeCaptureNetworkSettings }
func (*ApplyWindowsSettings) Type() Type   { return TypeApplyWindowsSettings }
func (*CaptureWindowsSettings) Type() Type { return TypeCaptureWindowsSettings }

func (a *ApplyNetworkSettings) check(c *checker) {
	c.workgroup(a.Workgroup)
	for i, ad := range a.Adapters {
		c.adapter(fmt.Sprintf("adapters[%d]", i), ad)
	}
}

func (c *checker) workgroup(name string) {
	if len(name) > 15 || strings.ContainsAny(name, "\"/\\[]:;|=,+*?<>\n") {
		c.fail("workgroup", name, "give at most 15 characters, none of them punctuation")
	}
}

func (c *checker) adapter(field string, a Adapter) {
	if _, err := osd.NormalizeMAC(a.MAC); a.MAC != "" && err != nil && !strings.Contains(a.MAC, "%") {
		c.fail(field+".mac", a.MAC, "give six bytes in hexadecimal, such as 52:54:00:12:34:56")
	}
	if a.DHCP == (len(a.Addresses) > 0) {
		c.fail(field, "", "give dhcp: true or addresses, exactly one of them")
	}
	for i, s := range a.Addresses {
		if _, err := netip.ParsePrefix(s); err != nil && !strings.Contains(s, "%") {
			c.fail(fmt.Sprintf("%s.addresses[%d]", field, i), s, "give an address with its prefix length, such as 10.1.2.3/24")
		}
	}
	for name, list := range map[string][]string{"gateways": a.Gateways, "dnsServers": a.DNSServers} {
		for i, s := range list {
			if _, err := netip.ParseAddr(s); err != nil && !strings.Contains(s, "%") {
				c.fail(fmt.Sprintf("%s.%s[%d]", field, name, i), s, "give an address, such as 10.1.2.1")
			}
		}
	}
}

func (s *CaptureNetworkSettings) check(c *checker) {
	if !s.Adapters && !s.Membership {
		c.fail("", "", "say what to capture: adapters, membership or both")
	}
}

func (s *ApplyWindowsSettings) check(c *checker) {
	c.text("owner", s.Owner, 256)
	c.text("organization", s.Organization, 256)
	c.text("timeZone", s.TimeZone, 64)
	c.text("locale", s.Locale, 64)
	if s.ProductKey != "" {
		c.secretValue("productKey", s.ProductKey)
	}
	if s.AdministratorPassword != "" {
		c.secretValue("administratorPassword", s.AdministratorPassword)
	}
}

func (s *CaptureWindowsSettings) check(c *checker) {
	if !s.ComputerName && !s.Owner && !s.TimeZone && !s.Locale {
		c.fail("", "", "say what to capture: computerName, owner, timeZone, locale")
	}
}
