package dhcp

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Sub-options of option 43 by which a PXE server steers firmware (PXE 2.1 table 2-1).
const (
	pxeDiscoveryControl = 6
	pxeBootServers      = 8
	pxeMenuPrompt       = 10
)

// Foreign says in words, one sentence each, what in another server's OFFER or ACK
// disturbs network boot by this box, what firmware makes of it, and the remedy. It
// returns nil for a server that keeps out of network boot, which is what proxy mode
// wants beside it. The caller leaves out the box's own answers.
//
// What firmware does was seen with OVMF, iPXE and QEMU's ROMs; the rest is PXE 2.1
// section 2.2.
func Foreign(m *dhcpv4.DHCPv4) []string {
	if m == nil || m.OpCode != dhcpv4.OpcodeBootReply {
		return nil
	}
	o := readOffer(m)
	if o.class != "" && !addr4(m.YourIPAddr).IsValid() {
		return []string{o.rival()}
	}
	var words []string
	say := func(format string, args ...any) {
		words = append(words, "the DHCP server "+o.server+" "+fmt.Sprintf(format, args...))
	}
	o.boot(say)
	if o.steers {
		say("sends PXE instructions in option 43 (boot servers, a menu or discovery), which firmware may follow instead of this box: remove option 43 there for PXE clients")
	}
	if o.file != "" {
		return words
	}
	switch {
	case o.tftp != "":
		say("sends option 66 (TFTP server %q) without a boot file: harmless alone, but it was meant for another boot server: remove option 66 there", o.tftp)
	case o.next.IsValid() && o.next.String() != o.server:
		say("names %s as next server without a boot file: harmless alone, but it was meant for another boot server: remove next-server there", o.next)
	}
	return words
}

// offer is what matters here of a foreign answer.
type offer struct {
	server string // option 54, else siaddr, else "without a name"
	class  string // "PXEClient", "HTTPClient" or ""
	file   string // header field, else option 67
	tftp   string // option 66
	next   netip.Addr
	steers bool // option 43 has PXE's own sub-options
}

func readOffer(m *dhcpv4.DHCPv4) offer {
	o := offer{file: printable(m.BootFileName), next: addr4(m.ServerIPAddr), server: "without a name"}
	if o.file == "" {
		o.file = printable(string(m.GetOneOption(dhcpv4.OptionBootfileName)))
	}
	o.tftp = printable(string(m.GetOneOption(dhcpv4.OptionTFTPServerName)))
	if id := addr4(m.GetOneOption(dhcpv4.OptionServerIdentifier)); id.IsValid() {
		o.server = id.String()
	} else if o.next.IsValid() {
		o.server = o.next.String()
	}
	for _, class := range []string{"PXEClient", "HTTPClient"} {
		if strings.HasPrefix(string(m.GetOneOption(dhcpv4.OptionClassIdentifier)), class) {
			o.class = class
		}
	}
	o.steers = steers(m.GetOneOption(dhcpv4.OptionVendorSpecificInformation))
	return o
}

// rival speaks of an answer without an address: a second PXE service point.
func (o offer) rival() string {
	what := "no file"
	if o.file != "" {
		what = fmt.Sprintf("file %q", o.file)
	}
	return fmt.Sprintf("another PXE server %s answers on this segment (option 60 %s, %s): machines boot from whichever answers first; turn one of the two off here", o.server, o.class, what)
}

func (o offer) boot(say func(string, ...any)) {
	switch {
	case o.class == "PXEClient" && o.file != "":
		say("sends option 60 PXEClient with boot file %q: firmware takes it for a PXE server and may boot that file instead of this box's; remove option 60 and the boot file there", o.file)
	case o.class == "PXEClient":
		say("sends option 60 PXEClient: UEFI firmware then asks it on UDP 4011 instead of this box, for 10 s and more, and may give up; remove option 60 there")
	case o.class == "HTTPClient" && !strings.Contains(o.file, "://"):
		say("sends option 60 HTTPClient without a URL: UEFI HTTP Boot then fails; remove option 60 there")
	case o.class == "HTTPClient":
		say("sends option 60 HTTPClient with %q: UEFI HTTP Boot may take that instead of this box's file; remove both there", o.file)
	case o.file != "":
		say("sends the boot file %q (%s): machines that prefer a PXE offer still boot from this box, others load that file; remove the boot file there", o.file, o.from())
	}
}

// from says where the file would be fetched.
func (o offer) from() string {
	switch {
	case o.tftp != "":
		return "option 66 " + o.tftp
	case o.next.IsValid():
		return "next server " + o.next.String()
	}
	return "no server named"
}

// steers reports whether option 43 is PXE's and does more than to say "use the file of
// this offer". Other vendors keep their own things in option 43.
func steers(b []byte) bool {
	found := false
	for len(b) > 1 && b[0] != 255 {
		code, n := b[0], int(b[1])
		if code == 0 {
			b = b[1:]
			continue
		}
		if len(b) < 2+n {
			return false
		}
		if code == pxeDiscoveryControl && n != 1 {
			return false
		}
		found = found || code == pxeDiscoveryControl && b[2]&8 == 0 || code >= pxeBootServers && code <= pxeMenuPrompt
		b = b[2+n:]
	}
	return found
}

// printable makes a foreign string fit for a console: no control characters, 80
// characters at most.
func printable(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 80)]
}
