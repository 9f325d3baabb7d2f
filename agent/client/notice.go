package client

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
)

// lastCalls are told again while a countdown runs.
var lastCalls = []time.Duration{5 * time.Minute, time.Minute}

// notice is a run that people hear of, some times before it.
type notice struct {
	advertisement, name, text string
	at                        time.Time
	before                    []time.Duration
}

// ofUpcoming is the notice of a time of an assignment.
func ofUpcoming(u api.Upcoming) notice {
	n := notice{advertisement: u.Advertisement, name: u.Name, text: u.Text, at: u.At}
	for _, r := range u.Reminders {
		n.before = append(n.before, time.Duration(r))
	}
	return n
}

// ofDue is the notice of a countdown: at its begin, and before its end.
func ofDue(d Due) notice {
	whole := time.Duration(d.Offer.Countdown)
	n := notice{advertisement: d.Offer.Advertisement, name: d.Offer.Name, text: d.Offer.Comment, at: d.At, before: []time.Duration{whole}}
	for _, l := range lastCalls {
		if l < whole {
			n.before = append(n.before, l)
		}
	}
	return n
}

func (n notice) key(before time.Duration) string {
	return fmt.Sprintf("%s %d %s", n.advertisement, n.at.Unix(), before)
}

// look says what to tell at now, which keys that settles, and when to look again;
// the zero time if never. What was missed, since nobody was there, becomes one
// text.
func (n notice) look(now time.Time, told map[string]time.Time) (text string, keys []string, next time.Time) {
	if !now.Before(n.at) {
		return "", nil, time.Time{}
	}
	for _, b := range n.before {
		when := n.at.Add(-b)
		_, done := told[n.key(b)]
		switch {
		case when.After(now):
			next = earlier(next, when)
		case !done:
			keys = append(keys, n.key(b))
		}
	}
	if len(keys) > 0 {
		text = n.words(now)
	}
	return text, keys, next
}

func (n notice) words(now time.Time) string {
	left := n.at.Sub(now)
	unit := time.Minute
	if left < 2*time.Minute {
		unit = time.Second
	}
	text := fmt.Sprintf("%q starts on this machine in %s, at %s. Save your work.", n.name, short(left.Round(unit)), n.at.Local().Format("15:04 on Monday, 2 January"))
	if n.text != "" {
		text += " " + n.text
	}
	return text
}

// short is a duration without the units that are zero at its end.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-2]
		}
	}
	return s
}

// earlier is the earlier of two times; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// forget drops what was told of runs that lie a day behind.
func forget(told map[string]time.Time, now time.Time) {
	for key, at := range told {
		if now.Sub(at) > 24*time.Hour {
			delete(told, key)
		}
	}
}

// without are the elements of a that are not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
