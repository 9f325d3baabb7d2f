package dhcp

import (
	"net"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// foreignOffer is an OFFER of 10.77.0.1 with an address, as a bare DHCP server sends it.
func foreignOffer(mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	m := &dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootReply, YourIPAddr: net.IP{10, 77, 0, 100}, ServerIPAddr: net.IP{10, 77, 0, 1}, Options: dhcpv4.Options{}}
	m.UpdateOption(dhcpv4.OptMessageType(dhcpv4.MessageTypeOffer))
	m.UpdateOption(dhcpv4.OptServerIdentifier(net.IP{10, 77, 0, 1}))
	for _, mod := range mods {
		mod(m)
	}
	return m
}

func option(code uint8, v string) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.GenericOptionCode(code), []byte(v))
}

func TestForeign(t *testing.T) {
	file := func(f string) dhcpv4.Modifier { return func(m *dhcpv4.DHCPv4) { m.BootFileName = f } }
	proxy := func(m *dhcpv4.DHCPv4) { m.YourIPAddr = net.IPv4zero }
	for _, tc := range []struct {
		name string
		mods []dhcpv4.Modifier
		want []string // a part of each sentence, in order
	}{
		{"bare", nil, nil},
		{"request", []dhcpv4.Modifier{func(m *dhcpv4.DHCPv4) { m.OpCode = dhcpv4.OpcodeBootRequest }, file("x")}, nil},
		{"option 60", []dhcpv4.Modifier{option(60, "PXEClient")}, []string{"the DHCP server 10.77.0.1 sends option 60 PXEClient: UEFI firmware then asks it on UDP 4011"}},
		{"option 60 and file", []dhcpv4.Modifier{option(60, "PXEClient"), file("a.0")}, []string{`sends option 60 PXEClient with boot file "a.0"`}},
		{"file", []dhcpv4.Modifier{file("a.0")}, []string{`sends the boot file "a.0" (next server 10.77.0.1)`}},
		{"66 and 67", []dhcpv4.Modifier{option(66, "wds"), option(67, "boot\\x64\\wdsnbp.com\x00")}, []string{`boot file "boot\\x64\\wdsnbp.com" (option 66 wds)`}},
		{"66 alone", []dhcpv4.Modifier{option(66, "wds")}, []string{`option 66 (TFTP server "wds") without a boot file`}},
		{"another next server", []dhcpv4.Modifier{dhcpv4.WithServerIP(net.IP{10, 0, 0, 9})}, []string{"names 10.0.0.9 as next server"}},
		{"HTTP without URL", []dhcpv4.Modifier{option(60, "HTTPClient")}, []string{"HTTP Boot then fails"}},
		{"HTTP with URL", []dhcpv4.Modifier{option(60, "HTTPClient"), option(67, "http://a/b.efi")}, []string{`option 60 HTTPClient with "http://a/b.efi"`}},
		{"discovery list", []dhcpv4.Modifier{option(60, "PXEClient"), option(43, "\x06\x01\x03\x08\x07\x80\x00\x01\x0a\x00\x00\x01\xff")}, []string{"sends option 60", "instructions in option 43"}},
		{"option 43 of an access point's controller", []dhcpv4.Modifier{option(43, "\x01\x04\x0a\x00\x00\x01")}, nil},
		{"option 43 cut short", []dhcpv4.Modifier{option(43, "\x08\xff\x01")}, nil},
		{"another proxy", []dhcpv4.Modifier{proxy, option(60, "PXEClient"), option(43, "\x06\x01\x08\xff"), file("b")}, []string{`another PXE server 10.77.0.1 answers on this segment (option 60 PXEClient, file "b")`}},
		{"no name, and letters that a console must not get", []dhcpv4.Modifier{func(m *dhcpv4.DHCPv4) { m.DeleteOption(dhcpv4.OptionServerIdentifier); m.ServerIPAddr = nil }, file("\x1b[2J")},
			[]string{`the DHCP server without a name sends the boot file "?[2J"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Foreign(foreignOffer(tc.mods...))
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %d sentences", got, len(tc.want))
			}
			for i, w := range tc.want {
				if !strings.Contains(got[i], w) {
					t.Errorf("got %q, want %q in it", got[i], w)
				}
			}
		})
	}
	if Foreign(nil) != nil {
		t.Error("nothing was said to be something")
	}
}
