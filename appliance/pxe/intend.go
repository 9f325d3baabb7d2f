package pxe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/appliance/dhcp"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// DeclineTime is how long a machine boots its disk after nobody came to its
// screen.
const DeclineTime = 5 * time.Minute

// Facts are what the boot decision is made from besides the machine. They are
// gathered before it is made; making it reads and changes nothing.
type Facts struct {
	Policy   *osd.PXE // nil: the box has no policy yet
	Decision policy.Decision
	// Image gives what policy says of a boot image; nil: its ID and no more.
	Image func(id string) Image
	// Stopped says why the wipe interlock has stopped the box, this machine
	// counted; "" if it goes on.
	Stopped string
	// Declined is when nobody came to the machine's screen last; zero: never.
	Declined time.Time
	// Asking is for how long the machine has been asking.
	Asking time.Duration
	Now    time.Time
	// Unread is why the box's memory could not be read; then nothing is offered.
	Unread error
}

// Intend decides what a machine gets, and says in words each branch that was taken.
// It is pure: it may be asked for any machine at any time.
func Intend(m Machine, f Facts) (Intent, []string) {
	if why := f.mute(m); why != "" {
		return Intent{Reason: why}, []string{why}
	}
	in, words := f.choose(m)
	if wait := f.Policy.Delay(); wait > 0 && in.Action != Silent && m.Port != dhcp.ProxyPort {
		if f.Asking < wait {
			in = Intent{}
			words = append(words, fmt.Sprintf("answers are delayed by %s: the machine asks again", wait))
		} else {
			words = append(words, fmt.Sprintf("answers are delayed by %s, and it has asked for so long", wait))
		}
	}
	in.Reason = strings.Join(words, "; ")
	return in, words
}

// mute says why the machine gets no answer, whatever there is for it.
func (f Facts) mute(m Machine) string {
	if f.Policy == nil {
		return "the box has no policy yet"
	}
	if why := Closed(m, *f.Policy); why != "" {
		return why
	}
	if f.Unread != nil {
		return "the box's memory cannot be read: " + f.Unread.Error()
	}
	return ""
}

// Closed says why the PXE service is closed to a machine, "" if it is not. A machine
// of which it is not known by which interface it asks is not refused for that.
func Closed(m Machine, p osd.PXE) string {
	mac := m.MAC.String()
	switch {
	case !p.Responds():
		return "the site told this box not to respond to PXE"
	case m.Interface != "" && len(p.Interfaces) > 0 && !slices.Contains(p.Interfaces, m.Interface):
		return fmt.Sprintf("the machine asks by %s, and the site told this box to answer by %s only", m.Interface, strings.Join(p.Interfaces, ", "))
	case slices.ContainsFunc(p.ExcludeMACs, func(e string) bool { n, err := osd.NormalizeMAC(e); return err == nil && n == mac }):
		return "the machine is on the list of excluded MACs"
	}
	return ""
}

// choose takes what starts by itself, else the first that a person may choose on the
// machine's screen, and of these the first that this firmware can start.
func (f Facts) choose(m Machine) (Intent, []string) {
	if why := m.Firmware.Refused(); why != "" {
		in, words := Intent{}, []string{why}
		if m.Firmware.sentOn() {
			in, words = f.nothing(words)
		}
		in.Misfit = true
		return in, words
	}
	words := slices.Clone(f.Decision.Why)
	for _, r := range f.Decision.Refusals {
		words = append(words, r.Advertisement+": "+r.Why)
	}
	offers := f.Decision.Offers
	if o := f.Decision.Mandatory(); o != nil {
		offers = []policy.Offer{*o}
	}
	misfit := false
	for _, o := range offers {
		image := f.image(o.Sequence.BootImage)
		if why := m.Firmware.Misfit(image); why != "" {
			words, misfit = append(words, o.Advertisement.Name+": "+why), true
			continue
		}
		if why := f.unasked(m.Firmware, image); why != "" {
			words = append(words, o.Advertisement.Name+": "+why)
			continue
		}
		if why := f.held(o); why != "" {
			return f.nothing(append(words, why))
		}
		if o.Mandatory {
			if image.Windows != nil && image.asksF12(m.Firmware, 0) {
				words = append(words, o.Advertisement.Name+": its boot image asks for F12, and waits in vain where nobody stands at the machine")
			}
			return Intent{Action: Boot, Image: image}, append(words, o.Advertisement.Name+" is "+o.Why)
		}
		return Intent{Action: Boot, Image: image, Prompt: f.Policy.Prompt()}, append(words, "a person may choose "+o.Advertisement.Name)
	}
	in, words := f.nothing(append(words, "nothing is offered"))
	in.Misfit = misfit
	return in, words
}

// unasked says why a boot image in which no agent asks anybody is not started on a
// firmware that cannot ask either: it would run with nobody present. "" if it may, or
// if the firmware is not known.
func (f Facts) unasked(w Firmware, i Image) string {
	switch {
	case !i.Agentless || w == NotBoot || i.asksF12(w, f.Policy.Prompt()):
		return ""
	case f.Decision.Stranger():
		return "it starts with nobody present, since this firmware cannot ask for F12: machines that the site does not know get it only where somebody is asked"
	case i.StartUnasked:
		return ""
	}
	return "it would start with nobody present, since this firmware cannot ask for F12: `startUnasked: true` of its boot image accepts that"
}

// held says why an offer is not made now, "" if it is.
func (f Facts) held(o policy.Offer) string {
	switch since := f.Now.Sub(f.Declined); {
	case o.Mandatory && o.Sequence.Destructive && f.Stopped != "":
		return "the wipe interlock has stopped the box: " + f.Stopped
	case o.Mandatory: // it asks nobody
		return ""
	case since >= 0 && since < DeclineTime: // a time to come is one of a clock that was set back since
		return "nobody came to its screen at " + f.Declined.Format("15:04:05") + ": it boots its disk"
	}
	return ""
}

// nothing is what a machine gets for which there is nothing.
func (f Facts) nothing(words []string) (Intent, []string) {
	if !f.Policy.Aborts() {
		return Intent{}, words
	}
	return Intent{Action: NextDevice}, append(words, "policy sends such a machine to its next boot device")
}

func (f Facts) image(id string) Image {
	if f.Image == nil {
		return Image{ID: id}
	}
	return f.Image(id)
}
