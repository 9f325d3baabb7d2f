package policy

import (
	"slices"
	"time"

	"github.com/bootward/bootward/osd"
)

// Explanation says in words what a machine would get, and what not, and why.
type Explanation struct {
	Computer    string            `json:"computer,omitempty"` // name; empty for a machine that is not known
	Box         string            `json:"box"`
	At          time.Time         `json:"at"`
	Why         []string          `json:"why"`
	Collections []string          `json:"collections"`
	Variables   map[string]string `json:"variables,omitempty"`
	Gets        []Explained       `json:"gets"`
	GetsNot     []Explained       `json:"getsNot"`
}

// Explained is one advertisement of an explanation.
type Explained struct {
	Advertisement string `json:"advertisement"`
	Sequence      string `json:"sequence,omitempty"`
	Why           string `json:"why"`
	// Mandatory starts by itself; Destructive erases a disk.
	Mandatory   bool `json:"mandatory,omitempty"`
	Destructive bool `json:"destructive,omitempty"`
	// Grant is the ID of the grant that it would use.
	Grant string `json:"grant,omitempty"`
	// Approval says why a person compares a code first; empty when nobody does.
	Approval string `json:"approval,omitempty"`
	// Next is when a mandatory assignment comes next.
	Next time.Time `json:"next,omitzero"`
	// Options say in words how content comes, what the screen shows, and whether
	// the machine is woken.
	Options []string `json:"options,omitempty"`
}

// options says in words what an advertisement chooses beside the usual.
func options(a *osd.Advertisement) []string {
	all := []string{"content is applied while it is fetched"}
	if a.Downloads() {
		all[0] = "content is downloaded to the target's volume before it is applied"
	}
	if a.RemoteDistributionPoint {
		all = append(all, "content that its box lacks comes from the site, while the line is up")
	}
	if !a.ShowsProgress() {
		all = append(all, "the screen shows no steps")
	}
	if a.WakeOnLAN {
		all = append(all, "its box wakes it for mandatory assignments")
	}
	return all
}

// CommandSupportText warns of a shell in a boot image.
const CommandSupportText = "its boot image has command support: whoever stands at a machine where it failed is root there (S or F8), and reads its variables"

// CommandSupport says whether the boot image of an ID gives a shell to whoever stands at
// the machine.
func (s *Snapshot) CommandSupport(bootImage string) bool {
	return slices.ContainsFunc(s.BootImages, func(b osd.BootImage) bool { return b.ID == bootImage && b.CommandSupport })
}

// Explain turns a decision into words.
func (e *Evaluator) Explain(d *Decision, now time.Time) Explanation {
	x := Explanation{Box: e.s.Box.Name, At: now, Why: d.Why, Collections: d.Collections.Names(), Variables: e.Variables(d),
		Gets: []Explained{}, GetsNot: []Explained{}}
	if x.Collections == nil {
		x.Collections = []string{}
	}
	if d.Computer != nil {
		x.Computer = d.Computer.Name
	}
	for _, o := range d.Offers {
		one := Explained{Advertisement: o.Advertisement.Name, Sequence: o.Sequence.Name, Why: o.Why, Mandatory: o.Mandatory,
			Destructive: o.Sequence.Destructive, Approval: d.Approval(&o, d.Expected()), Options: options(&o.Advertisement)}
		if o.Grant != nil {
			one.Grant = o.Grant.ID
		}
		if e.s.CommandSupport(o.Sequence.BootImage) {
			one.Options = append(one.Options, CommandSupportText)
		}
		one.Next, _ = o.Advertisement.Next(now)
		x.Gets = append(x.Gets, one)
	}
	for _, r := range d.Refusals {
		x.GetsNot = append(x.GetsNot, Explained{Advertisement: r.Advertisement, Why: r.Why, Next: e.nextOf(r.Advertisement, now)})
	}
	return x
}

func (e *Evaluator) nextOf(advertisement string, now time.Time) time.Time {
	for i := range e.s.Advertisements {
		if a := &e.s.Advertisements[i]; a.Name == advertisement {
			next, _ := a.Next(now)
			return next
		}
	}
	return time.Time{}
}
