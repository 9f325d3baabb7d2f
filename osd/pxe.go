package osd

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"
)

// PXE is the policy of a PXE service point (guide, table 9).
type PXE struct {
	// Respond is false when the box is to stay silent. Left out: true.
	Respond *bool `json:"respond,omitempty" yaml:"respond,omitempty"`
	// UnknownComputers offers a boot image to machines that the site does
	// not know. Off when left out.
	UnknownComputers bool `json:"unknownComputers,omitempty" yaml:"unknownComputers,omitempty"`
	// Interfaces names the network interfaces of the box that answer; all that
	// its configuration lets answer, when left out.
	Interfaces []string `json:"interfaces,omitempty" yaml:"interfaces,omitempty"`
	// DelaySeconds is how long the box waits before it answers, 0 to 32.
	DelaySeconds int `json:"delaySeconds,omitempty" yaml:"delaySeconds,omitempty"`
	// ExcludeMACs are never answered.
	ExcludeMACs []string `json:"excludeMACs,omitempty" yaml:"excludeMACs,omitempty"`
	// NoAdvertisement is what a machine gets for which there is nothing: PXESilent
	// or PXEAbort. Left out: PXESilent, so that a box beside another PXE server
	// strands nobody.
	NoAdvertisement string `json:"noAdvertisement,omitempty" yaml:"noAdvertisement,omitempty"`
	// PromptSeconds is how long "Press F12 for network service boot" is shown before
	// anything that waits for a person is loaded, 0 to 300; 0 asks nobody.
	// DefaultPrompt when left out.
	PromptSeconds *int `json:"promptSeconds,omitempty" yaml:"promptSeconds,omitempty"`
	// KnownPXEServers are the IPv4 addresses of other PXE servers on the box's segments
	// that are meant to be there, as beside a pilot: no alarm is raised about them.
	KnownPXEServers []string `json:"knownPXEServers,omitempty" yaml:"knownPXEServers,omitempty"`
	// UEFILoader is what UEFI machines load by PXE: LoaderUKI or LoaderShim. Left out:
	// LoaderUKI.
	UEFILoader string `json:"uefiLoader,omitempty" yaml:"uefiLoader,omitempty"`
}

// What a machine gets for which there is nothing.
const (
	PXESilent = "silent" // nothing: its firmware waits until it gives up
	PXEAbort  = "abort"  // what sends its firmware to the next boot device at once
)

// What UEFI machines load by PXE.
const (
	LoaderUKI  = "uki"  // our unified kernel image; with Secure Boot only where its key is enrolled
	LoaderShim = "shim" // the distribution's signed shim, GRUB and kernel: with Secure Boot on any machine
)

// DefaultPrompt is PXE.PromptSeconds when it is left out.
const DefaultPrompt = 10 * time.Second

// Responds says whether the box answers PXE requests at all.
func (p PXE) Responds() bool { return p.Respond == nil || *p.Respond }

// Delay is DelaySeconds as a duration.
func (p PXE) Delay() time.Duration { return time.Duration(p.DelaySeconds) * time.Second }

// Prompt is PromptSeconds or its default; 0 asks nobody.
func (p PXE) Prompt() time.Duration {
	if p.PromptSeconds == nil {
		return DefaultPrompt
	}
	return time.Duration(*p.PromptSeconds) * time.Second
}

// Aborts says whether machines for which there is nothing are sent on at once.
func (p PXE) Aborts() bool { return p.NoAdvertisement == PXEAbort }

// pxeInterface is what may name a network interface.
var pxeInterface = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)

func (p PXE) validate() []error {
	var errs []error
	wrong := func(field, value, remedy string) { errs = append(errs, &FieldError{"pxe." + field, value, remedy}) }
	if p.DelaySeconds < 0 || p.DelaySeconds > 32 {
		wrong("delaySeconds", fmt.Sprint(p.DelaySeconds), "give 0 to 32 seconds")
	}
	if n := p.PromptSeconds; n != nil && (*n < 0 || *n > 300) {
		wrong("promptSeconds", fmt.Sprint(*n), "give 0 to 300 seconds")
	}
	if !slices.Contains([]string{"", PXESilent, PXEAbort}, p.NoAdvertisement) {
		wrong("noAdvertisement", p.NoAdvertisement, "give silent or abort")
	}
	if !slices.Contains([]string{"", LoaderUKI, LoaderShim}, p.UEFILoader) {
		wrong("uefiLoader", p.UEFILoader, "give uki or shim")
	}
	for i, n := range p.Interfaces {
		if !pxeInterface.MatchString(n) {
			wrong(fmt.Sprintf("interfaces[%d]", i), n, "give the name of a network interface, such as eth0")
		}
	}
	for i, s := range p.KnownPXEServers {
		if a, err := netip.ParseAddr(s); err != nil || !a.Is4() || a.String() != s {
			wrong(fmt.Sprintf("knownPXEServers[%d]", i), s, "give an IPv4 address, such as 10.77.0.9")
		}
	}
	for i, m := range p.ExcludeMACs {
		if _, err := NormalizeMAC(m); err != nil {
			wrong(fmt.Sprintf("excludeMACs[%d]", i), m, "give six bytes in hexadecimal, such as 52:54:00:12:34:56")
		}
	}
	return errs
}
