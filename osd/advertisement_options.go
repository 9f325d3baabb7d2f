package osd

import "strings"

// maxText is the most bytes of a text for targets' screens.
const maxText = 500

// options checks content options, texts and wake-on-LAN.
func (c *fieldCheck) options(a *Advertisement) {
	c.among("content", a.Content, ContentStream, ContentDownload)
	c.that(isScreenText(a.Text), "text", a.Text, "give at most 500 bytes, without control characters")
	c.that(!a.WakeOnLAN || a.timed(), "wakeOnLAN", "true",
		"machines are woken for mandatory assignments at a time: give asSoonAsPossible, a time or a recurrence under mandatory, or leave wakeOnLAN out")
}

// isScreenText says whether a text can stand on the screen of a target.
func isScreenText(s string) bool {
	return len(s) <= maxText && !strings.ContainsFunc(s, func(r rune) bool { return isControl(r) && r != '\n' })
}

// timed says whether an assignment comes by itself, and not when somebody signs
// in or out.
func (a *Advertisement) timed() bool {
	for _, m := range a.Mandatory {
		if m != AtLogon && m != AtLogoff {
			return true
		}
	}
	return false
}
