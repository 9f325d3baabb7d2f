package policy

import (
	"fmt"

	"github.com/bootward/bootward/osd"
)

// Wipes is what a box remembers of machines that were, or wanted to be, erased
// since it was last told to go on.
type Wipes struct {
	// Stopped says why the box stopped; empty while it goes on.
	Stopped string
	// Wanting counts the machines that wanted to be erased by mandatory
	// advertisements, granted or not, by the ID of the advertisement.
	Wanting map[string]int
	// Uncovered counts the machines of the last hour that no confirmed number
	// covers: those that a person at the machine let be erased.
	Uncovered int
}

// CheckWants says why the box is to stop: more machines want to be erased by an
// advertisement than an administrator confirmed. The machine that asks is
// counted in w already.
func CheckWants(wants []Want, w Wipes) string {
	if w.Stopped != "" {
		return w.Stopped
	}
	for _, want := range wants {
		if n := w.Wanting[want.Advertisement.ID]; n > want.Confirmed {
			return fmt.Sprintf("%d machines want to be erased by %q, and %d are confirmed", n, want.Advertisement.Name, want.Confirmed)
		}
	}
	return ""
}

// CheckClaim says why a destructive claim may not go on: the box has stopped,
// or too many machines were erased of late that no confirmed number covers.
func CheckClaim(b *osd.Box, o *Offer, w Wipes) string {
	switch {
	case !o.Sequence.Destructive:
		return ""
	case w.Stopped != "":
		return w.Stopped
	case o.Grant == nil && w.Uncovered >= b.WipeLimit():
		return fmt.Sprintf("%d machines were erased in an hour that no confirmed number covers, and %d are allowed", w.Uncovered, b.WipeLimit())
	}
	return ""
}
