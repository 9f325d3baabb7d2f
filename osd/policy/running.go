package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/osd"
)

// erasesNothing refuses a destructive sequence at a running client. No grant, no
// order and no person changes that: there somebody may be at work.
const erasesNothing = "it erases a disk, and running clients erase nothing: boot the machine from the network"

// Upcoming is a mandatory advertisement that a running client is going to run by
// itself, and when.
type Upcoming struct {
	Advertisement osd.Advertisement
	At            time.Time
}

// independent says whether a person at a running client may start a mandatory
// advertisement that does not start by itself now.
func (q *question) independent() bool {
	return q.a.RunIndependently && q.m.Where == osd.ToRunningClients
}

// upcoming is when a running client starts the advertisement by itself next, as
// far as its assignments and its rerun behaviour say. A maintenance window may
// put the run off: that is decided when the time has come.
func (q *question) upcoming() (Upcoming, bool) {
	seq := q.e.sequence(q.a.Sequence)
	if q.m.Where != osd.ToRunningClients || !q.a.To(osd.ToRunningClients) || seq == nil || seq.Destructive || !q.unattended() {
		return Upcoming{}, false
	}
	at, ok := q.a.NextStart(q.now)
	if !ok || q.ranBefore(at) != "" {
		return Upcoming{}, false
	}
	return Upcoming{q.a, at}, true
}

// byTime orders what comes, the earlier first.
func byTime(all []Upcoming) {
	slices.SortStableFunc(all, func(a, b Upcoming) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Advertisement.ID, b.Advertisement.ID))
	})
}
