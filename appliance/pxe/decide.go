package pxe

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// Action is what policy wants for a machine.
type Action int

const (
	// Silent sends nothing: the machine goes on as if there were no box.
	Silent Action = iota
	// NextDevice sends the machine to its next boot device at once where its
	// firmware can be told so.
	NextDevice
	// Boot offers a boot image.
	Boot
)

// Intent is what policy and history say about one machine.
type Intent struct {
	Action Action
	Image  Image // for Boot
	// Prompt is how long "Press F12 for network service boot" is shown before anything
	// large is loaded, where the chain allows it; 0 asks nobody.
	Prompt time.Duration
	Reason string // in words, for the timeline
	// Misfit says that something is offered, and no boot image of it starts on this firmware.
	Misfit bool
}

// Image is a boot image, as far as it matters for how firmware starts it.
type Image struct {
	ID             string
	Architecture   string           // osd.ArchX64, also when empty, or osd.ArchARM64
	Loader         string           // of UEFI machines: osd.LoaderUKI, also when empty, or osd.LoaderShim
	Windows        *osd.WindowsBoot // nil for our own
	Agentless      bool             // nothing in it asks a person, or tells of it
	StartUnasked   bool             // somebody accepted that it starts with nobody present
	CommandSupport bool             // gives a shell to whoever stands at the machine
	NoF12          bool             // of Windows: pxeboot.com, which asks for F12, is not in it
	OnlyF12        bool             // of Windows: pxeboot.n12, which does not, is not in it
}

// Server is what an answer says about the box.
type Server struct {
	Address  netip.Addr // IPv4, the one that the machine's segment reaches
	HTTPPort uint16     // of the boot files; 0 means 80
	Mode     dhcp.Mode
	BoxID    string // told to the agent
	SiteCode string // told to the agent
}

// Answer is what must be sent. Its zero value means nothing.
type Answer struct {
	Firmware Firmware
	Send     bool
	// Standalone says that yiaddr stays 0 although the box runs in dhcp mode.
	Standalone bool
	Type       dhcpv4.MessageType // OFFER or ACK
	NextServer netip.Addr         // siaddr
	File       string             // file: a TFTP name or a URL
	Options    []dhcp.Option
	Why        []string // every branch that was taken, in words
	// Cause is why nothing is sent: status.CauseArchitecture, status.CausePolicy, or ""
	// where the message itself wants no answer; status.CauseNext of what sends it on.
	Cause string
}

// ValidImageID reports whether id can name a boot image on the wire, that is stand in
// a path and a URL without escapes: letters, digits, dot, underscore and hyphen, a letter
// or digit first, at most 64, not "next".
func ValidImageID(id string) bool {
	for i, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return id != "" && len(id) <= 64 && id != nextID
}

// Decide turns request, intent and box into the answer for this firmware.
func Decide(r Request, in Intent, s Server) Answer {
	f, how := Classify(r)
	return decide(f, how, r, in, s)
}

func decide(f Firmware, how string, r Request, in Intent, s Server) Answer {
	a := Answer{Firmware: f, Why: append(make([]string, 0, 4), how)}
	if f == NotBoot {
		return a
	}
	t, why := answerType(r, s)
	if t == dhcpv4.MessageTypeNone {
		return a.silent(why)
	}
	a.Type = t
	if f == Agent {
		return a.agent(r, s)
	}
	if why := f.Refused(); why != "" && !(in.Action == NextDevice && f.sentOn()) {
		return a.silent(why).causedBy(status.CauseArchitecture)
	}
	switch in.Action {
	case Boot:
		if !ValidImageID(in.Image.ID) {
			return a.silent(fmt.Sprintf("boot image id %q cannot be put into a file name", in.Image.ID))
		}
		if why := a.Firmware.Misfit(in.Image); why != "" {
			return a.because(in.Reason).silent(why).causedBy(status.CauseArchitecture)
		}
		if in.Image.Windows != nil {
			return a.because(in.Reason).windows(r, in, s)
		}
		return a.because(in.Reason).boot(r, in, s)
	case NextDevice:
		return a.because(in.Reason).next(r, s)
	}
	cause := status.CausePolicy
	if in.Misfit {
		cause = status.CauseArchitecture
	}
	return a.because(in.Reason).silent("policy says silent").causedBy(cause)
}

// answerType says whether this message is answered at all, and by what.
func answerType(r Request, s Server) (dhcpv4.MessageType, string) {
	switch {
	case r.Port == dhcp.ProxyPort && (r.Type == dhcpv4.MessageTypeRequest || r.Type == dhcpv4.MessageTypeInform):
		// iPXE asks from port 68 with option 54 = this server, OVMF from port
		// 4011 without it.
		if r.ServerID.IsValid() && r.ServerID != s.Address {
			return dhcpv4.MessageTypeNone, "the request on 4011 names the server " + r.ServerID.String()
		}
		return dhcpv4.MessageTypeAck, ""
	case r.Port == dhcp.ProxyPort:
		return dhcpv4.MessageTypeNone, r.Type.String() + " on 4011 is not answered"
	case r.Type == dhcpv4.MessageTypeDiscover:
		return dhcpv4.MessageTypeOffer, ""
	case r.Type == dhcpv4.MessageTypeRequest && s.Mode == dhcp.DHCP:
		return dhcpv4.MessageTypeAck, ""
	case r.Type == dhcpv4.MessageTypeRequest:
		return dhcpv4.MessageTypeNone, "a REQUEST on 67 belongs to the server that gave the address"
	}
	return dhcpv4.MessageTypeNone, r.Type.String() + " is not answered"
}

func (a Answer) because(why string) Answer {
	if why != "" {
		a.Why = append(a.Why, why)
	}
	return a
}

func (a Answer) silent(why string) Answer {
	return Answer{Firmware: a.Firmware, Why: append(a.Why, why)}
}

func (a Answer) causedBy(cause string) Answer {
	a.Cause = cause
	return a
}

// boot gives each firmware the form that it can start.
func (a Answer) boot(r Request, in Intent, s Server) Answer {
	id := in.Image.ID
	switch a.Firmware {
	case BIOSPXE:
		a.File = "undionly.kpxe"
		a = a.because("a BIOS ROM loads iPXE by TFTP first")
	case BIOSIPXE, UEFIX64IPXE, UEFIARM64IPXE:
		a.File = s.scriptURL(id, r.MAC, in.Prompt)
		a = a.because("iPXE fetches a script by HTTP")
	case UEFIX64PXE, UEFIARM64PXE:
		if in.Image.Loader == osd.LoaderShim && a.Firmware == UEFIX64PXE {
			a.File = id + "/" + ShimName
			a = a.shim(s)
			break
		}
		a.File = id + "/uki.efi"
		a = a.because("UEFI loads the unified kernel image by TFTP")
	case UEFIX64HTTP, UEFIARM64HTTP:
		a.File = s.url(id, "uki.efi")
		a = a.because("UEFI loads the unified kernel image by HTTP")
	}
	return a.send(r, s)
}

// url is the address of one boot file.
func (s Server) url(id, name string) string {
	return s.base() + "/boot/" + id + "/" + name
}

// scriptURL is the address of an iPXE script. The prompt is a public fact: whoever
// asks for the script without it gets the same files.
func (s Server) scriptURL(id string, mac net.HardwareAddr, prompt time.Duration) string {
	u := s.url(id, "boot.ipxe") + "?mac=" + mac.String()
	if prompt > 0 {
		u += fmt.Sprintf("&prompt=%d", int(prompt.Seconds()))
	}
	return u
}

// base is the box's HTTP address without a final slash.
func (s Server) base() string {
	if s.HTTPPort == 0 || s.HTTPPort == 80 {
		return "http://" + s.Address.String()
	}
	return "http://" + netip.AddrPortFrom(s.Address, s.HTTPPort).String()
}
