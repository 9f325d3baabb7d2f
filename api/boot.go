package api

import (
	"fmt"
	"strings"
)

// BootExplanation is what a box would send a machine that boots from the network
// now, from policy to packet. Nothing was changed to find it out.
type BootExplanation struct {
	Client string `json:"client"` // MAC
	// Firmware is the kind that the machine showed last; empty if the box has not seen it.
	Firmware  string `json:"firmware,omitempty"`
	Interface string `json:"interface"` // of the box, by which it asked last, else the first that serves
	Mode      string `json:"mode"`      // of that interface: proxy, relay, proxy-4011, dhcp or off
	// Answers has one entry for each kind of firmware that was asked for.
	Answers []BootAnswer `json:"answers"`
}

// BootAnswer is the decision for one kind of firmware, and the packet made of it.
type BootAnswer struct {
	Firmware string `json:"firmware"`
	// Action is boot, next or silent: what policy and history say.
	Action    string   `json:"action"`
	BootImage string   `json:"bootImage,omitempty"` // ID
	Policy    []string `json:"policy"`              // why, from policy and history
	// Send says whether anything is sent; NextServer, File and Options are what.
	Send       bool         `json:"send"`
	NextServer string       `json:"nextServer,omitempty"` // siaddr
	File       string       `json:"file,omitempty"`       // TFTP name, or URL
	Options    []BootOption `json:"options,omitempty"`
	Packet     []string     `json:"packet"` // why it is sent in this form, or nothing
}

// BootOption is one DHCP option.
type BootOption struct {
	Code uint8  `json:"code"`
	Name string `json:"name"`
	// Value is readable where the option is a text or an address, else hexadecimal.
	Value string `json:"value"`
}

// Lines is one answer for people.
func (a BootAnswer) Lines() []string {
	lines := []string{a.Firmware}
	for _, why := range a.Policy {
		lines = append(lines, "  policy: "+why)
	}
	for _, why := range a.Packet {
		lines = append(lines, "  packet: "+why)
	}
	if !a.Send {
		return append(lines, "  sends nothing")
	}
	lines = append(lines, fmt.Sprintf("  sends next server %s, file %s", a.NextServer, a.File))
	var options []string
	for _, o := range a.Options {
		options = append(options, fmt.Sprintf("%d %s=%s", o.Code, o.Name, o.Value))
	}
	return append(lines, "  options "+strings.Join(options, ", "))
}

// Brief is the answer in one line: the file, or why there is none.
func (a BootAnswer) Brief() string {
	switch {
	case a.Send:
		return a.File
	case len(a.Packet) > 0:
		return "nothing: " + a.Packet[len(a.Packet)-1]
	}
	return "nothing"
}
