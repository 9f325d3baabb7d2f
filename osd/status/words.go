package status

import (
	"fmt"
	"path"
	"strings"
)

// flightText says in plain words what the box saw of a machine. The texts that
// boxes send are made in the box; this adds what kind of event it is.
func flightText(e FlightEvent) string {
	text := strings.TrimSpace(e.Text)
	switch e.What {
	case FlightWake:
		return "Wake-on-LAN: " + text
	case FlightDiscover:
		return "DHCP: asked" + after(text, "asks on", " on")
	case FlightOffer:
		return "DHCP: " + offerText(text)
	case FlightRequest:
		return "DHCP: " + text
	case FlightOther:
		return "DHCP, overheard: " + text
	case FlightAgent:
		return "Agent: " + strings.TrimPrefix(text, "the agent ")
	case FlightTFTP:
		return "TFTP " + text + figures(e)
	case FlightHTTP:
		return "HTTP " + text + figures(e)
	case FlightServed:
		return "Served: " + text
	case FlightClaim:
		return "Claimed by " + text
	case FlightJobStarted:
		return "Job started: " + text
	case FlightJobEnded:
		return "Job ended: " + brief(text)
	case FlightRefused:
		return "Refused: " + text
	case FlightAlarm:
		return "ALARM: " + text
	}
	return text + figures(e)
}

// after puts lead before what follows prefix in a text; nothing when the text
// is another one.
func after(text, prefix, lead string) string {
	if rest, ok := strings.CutPrefix(text, prefix); ok {
		return lead + rest
	}
	return ""
}

// offerText shortens an offer: "FILE (why)", "address A FILE (why)" or "(why)".
func offerText(text string) string {
	offer, why, _ := strings.Cut(text, "(")
	if why != "" {
		why = " (" + why
	}
	words := strings.Fields(offer)
	var address, file string
	if len(words) > 1 && words[0] == "address" {
		address, words = ", address "+words[1], words[2:]
	}
	if len(words) > 0 {
		file, _, _ = strings.Cut(words[0], "?")
	}
	switch {
	case strings.HasPrefix(file, "http://"), strings.HasPrefix(file, "https://"):
		return "offered " + path.Base(file) + " by HTTP" + address + why
	case file != "":
		return "offered " + file + address + why
	case address != "":
		return "offered" + strings.TrimPrefix(address, ",") + why
	}
	return "answered" + why
}

// figures are size, time and rate of a transfer whose text does not hold them.
func figures(e FlightEvent) string {
	if e.Bytes <= 0 || strings.Contains(e.Text, ", ") {
		return ""
	}
	s := fmt.Sprintf(", %.1f MB", float64(e.Bytes)/1e6)
	if e.Millis > 0 {
		s += fmt.Sprintf(" in %.1f s, %.1f MB/s", float64(e.Millis)/1000, float64(e.Bytes)/1000/float64(e.Millis))
	}
	return s
}

// did says in few words what a message tells of its step.
func did(m Message) string {
	switch m.ID {
	case GroupStarted:
		return "group started"
	case GroupCompleted:
		return "group completed"
	case ActionDisabled:
		return "skipped, it is disabled"
	case ActionSkipped:
		return "skipped, its condition is false"
	case ActionCompleted:
		return "completed"
	case ActionFailed:
		return "FAILED"
	case FailureIgnored:
		return "its failure is ignored"
	case RebootInitiated:
		return "restarts the machine"
	}
	return brief(m.ID.Name())
}

// messageText is a status message on a timeline: the step first.
func messageText(m Message) string {
	var s string
	switch {
	case m.Step > 0:
		name := m.Action
		if name == "" {
			name = m.Group
		}
		s = fmt.Sprintf("%d %s: %s", m.Step, name, did(m))
	case m.ID == SequenceStarted:
		s = "Task sequence started"
	case m.ID == SequenceCompleted:
		s = "Task sequence completed"
	case m.ID == SequenceFailed:
		s = "Task sequence FAILED"
	case m.ID == StartedInBoot:
		s = "Task sequence started from the boot image"
	default:
		s = m.ID.Name()
	}
	if m.ExitCode != 0 {
		s += fmt.Sprintf(" (exit code %d)", m.ExitCode)
	}
	return s
}
