package api

import (
	"fmt"
	"strings"
	"time"
)

// RouteSelfTest tests the segments of a box, for technicians: ?interface=NAME, all
// without; SelfTest, after some seconds. The last one stands in BoxConsole.
const RouteSelfTest = "POST /v1/selftest"

// SelfTest is what a box found out about the segments on which it answers PXE.
type SelfTest struct {
	Time     time.Time `json:"time"` // of the last test, of whatever interface
	Segments []Segment `json:"segments"`
}

// Segment is what the box found out on one interface.
type Segment struct {
	Interface string    `json:"interface"`
	Time      time.Time `json:"time"`
	Address   string    `json:"address,omitempty"` // of the box, IPv4
	MTU       int       `json:"mtu,omitempty"`     // of the interface, in bytes
	// Servers are the others that answer DHCP or PXE.
	Servers []SegmentServer `json:"servers"`
	// Switch is what the switch says of itself and its port by LLDP, else by CDP; nil if nothing
	// was heard.
	Switch   *SwitchPort `json:"switch,omitempty"`
	Findings []Finding   `json:"findings"` // the worst first
}

// SegmentServer is a DHCP or PXE server that is not the box.
type SegmentServer struct {
	Address string `json:"address"`       // option 54, else who sent the answer
	MAC     string `json:"mac,omitempty"` // of the sender: a relay's, where there is one
	// DHCP says that it gives addresses, PXE that it answers network boot.
	DHCP bool `json:"dhcp,omitempty"`
	PXE  bool `json:"pxe,omitempty"`
	// Class is option 60 of its answer, if it is one of network boot.
	Class string `json:"class,omitempty"`
	File  string `json:"file,omitempty"`  // boot file or URL
	Known bool   `json:"known,omitempty"` // policy accepts it: pxe.knownPXEServers
}

// SwitchPort is the other end of the box's cable (IEEE 802.1AB).
type SwitchPort struct {
	Switch      string `json:"switch,omitempty"`      // system name, else the chassis ID; by CDP the device ID
	Port        string `json:"port,omitempty"`        // port ID
	Description string `json:"description,omitempty"` // of the port
	VLAN        int    `json:"vlan,omitempty"`        // port VLAN ID, native VLAN; 0 if it does not say
	MaxFrame    int    `json:"maxFrame,omitempty"`    // bytes; 0 if it does not say
}

// How much a finding matters.
const (
	FindingProblem = "problem" // machines will not boot, or from the wrong server
	FindingWarning = "warning" // some may not
	FindingNote    = "note"    // good to know
)

// Finding is one thing that somebody should know of a segment.
type Finding struct {
	Severity string `json:"severity"` // FindingProblem and so on
	Text     string `json:"text"`
	// Ask is what to ask the network team for; empty if there is nothing.
	Ask string `json:"ask,omitempty"`
}

// String is the port in words: sw-7 port Gi1/0/12, VLAN 77.
func (p *SwitchPort) String() string {
	if p == nil {
		return "not heard of"
	}
	text := fmt.Sprintf("%s port %s", p.Switch, p.Port)
	if p.Description != "" && p.Description != p.Port {
		text += " (" + p.Description + ")"
	}
	if p.VLAN != 0 {
		text += fmt.Sprintf(", VLAN %d", p.VLAN)
	}
	return text
}

// String is the server in words.
func (s SegmentServer) String() string {
	what := "DHCP server"
	switch {
	case s.DHCP && s.PXE:
		what = "DHCP server that answers network boot too"
	case s.PXE:
		what = "PXE server"
	}
	if s.Known {
		what = "known " + what
	}
	text := fmt.Sprintf("%s %s", what, s.Address)
	if s.MAC != "" {
		text += " (MAC " + s.MAC + ")"
	}
	return text
}

// Lines writes the whole test for a person.
func (t *SelfTest) Lines() []string {
	if t == nil || t.Time.IsZero() {
		return []string{"the segments have not been tested yet"}
	}
	var lines []string
	for _, s := range t.Segments {
		lines = append(lines, fmt.Sprintf("%s: address %s, MTU %d, tested %s", s.Interface, orNone(s.Address), s.MTU, s.Time.UTC().Format(time.DateTime)), "  switch   "+s.Switch.String())
		for _, other := range s.Servers {
			lines = append(lines, "  server   "+other.String())
		}
		for _, f := range s.Findings {
			lines = append(lines, fmt.Sprintf("  %-8s %s", f.Severity, f.Text))
			if f.Ask != "" {
				lines = append(lines, "    ask the network team: "+f.Ask)
			}
		}
	}
	return lines
}

// Brief is a line for each segment, and one for each problem and warning.
func (t *SelfTest) Brief() []string {
	var lines []string
	if t == nil {
		return nil
	}
	for _, s := range t.Segments {
		var servers []string
		for _, other := range s.Servers {
			servers = append(servers, other.String())
		}
		lines = append(lines, fmt.Sprintf("%s: %s; switch %s", s.Interface, orNone(strings.Join(servers, ", ")), s.Switch))
		for _, f := range s.Findings {
			if f.Severity != FindingNote {
				lines = append(lines, f.Severity+": "+f.Text)
			}
		}
	}
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
