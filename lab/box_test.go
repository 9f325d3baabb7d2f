package lab

import (
	"net/netip"
	"testing"
)

func TestBoxConfig(t *testing.T) {
	gateway, site := netip.MustParsePrefix("10.77.0.1/24"), netip.MustParseAddr("10.77.1.1")
	for pxe, want := range map[string]string{
		BesideDHCP: "{name: eth0, address: dhcp, pxe: proxy}",
		OnlyDHCP:   "{name: eth0, address: 10.77.0.2/24, gateway: 10.77.0.1, pxe: dhcp, range: {first: 10.77.0.100, last: 10.77.0.199, router: 10.77.0.1}}",
	} {
		got := boxConfig(pxe, gateway, site)
		if got != "site: https://10.77.1.1:8443\ninterfaces:\n  - "+want+"\n" {
			t.Errorf("%s:\n%s", pxe, got)
		}
	}
}
