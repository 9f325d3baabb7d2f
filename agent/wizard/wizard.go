// Package wizard is the Task Sequence Wizard on the target (guide, tables 20, 22 and 36): pages of
// 80 by 24 characters for a keyboard and a serial line of 9,600 baud.
//
// It is pure: a key goes in, an Effect comes out, Lines is the page. It reads no disk, asks no box
// and erases nothing; whoever runs it does what the effects say and tells it how that ended.
// Begin, the only effect that can end in an erased disk, comes from the summary alone, after
// somebody typed YES there. Pages: docs/wizard.md.
package wizard

import (
	"github.com/bootward/bootward/agent/keys"
	"github.com/bootward/bootward/api"
)

// Page is one page of the wizard.
type Page int

// The pages, in the order in which they come.
const (
	Password Page = iota
	Sequences
	Name
	Replaces
	Question
	Summary
	Network // from any other page
)

// Effect is what a key asks of whoever runs the wizard.
type Effect int

// The effects.
const (
	Stay       Effect = iota
	GiveUp            // the machine boots its disk
	Unlock            // ask the box with Typed; then Unlocked or Refuse
	ListDisks         // then Disks
	TryNetwork        // use Wanted and test it; then Tested
	Begin             // claim and run: Answers
)

// About is what stands on every page.
type About struct {
	Organisation, Text string // from the site
	Site, Box          string
	Machine            string
}

// Answers is what the person decided.
type Answers struct {
	Offer          api.Offer
	Name, Replaces string
	// Values are the answers to the questions of the sequence, by variable.
	Values map[string]string
}

// Wizard is the state of the pages.
type Wizard struct {
	about    About
	offers   api.Offers
	page     Page
	past     []Page
	form     form
	problem  string // what is wrong, shown in its place
	note     string
	marked   int // offer under the cursor, from 1; 0: none
	question int // from 0
	disks    []string
	adapters []Adapter
	wanted   Settings
	answers  Answers
}

// New is a wizard on its first page: the password where the box asks for one, else the sequences.
func New(about About, offers api.Offers) *Wizard {
	w := &Wizard{about: about, offers: offers, page: Sequences}
	if offers.Password {
		w.page = Password
	}
	w.fill()
	return w
}

// Page is the page that is shown.
func (w *Wizard) Page() Page { return w.page }

// Answers is what was decided, good after Begin.
func (w *Wizard) Answers() Answers { return w.answers }

// Typed is what stands in the field under the cursor.
func (w *Wizard) Typed() string { return w.form.text() }

// Press takes a key.
func (w *Wizard) Press(k keys.Key) Effect {
	switch k {
	case keys.Interrupt, keys.F10:
		return GiveUp
	case keys.Escape, keys.Left:
		return w.back()
	case keys.F2, keys.Ctrl('O'):
		w.network()
		return Stay
	case keys.Enter, '\n', keys.Right:
		return w.enter()
	case keys.Up, keys.Ctrl('P'):
		w.move(-1)
	case keys.Down, keys.Ctrl('N'), keys.Tab:
		w.move(1)
	default:
		if w.form.press(k) {
			w.problem = ""
		}
	}
	return Stay
}

// move goes to another line of the list, or of the form.
func (w *Wizard) move(by int) {
	if w.page != Sequences {
		w.form.at = min(max(w.form.at+by, 0), len(w.form.fields)-1)
		return
	}
	w.form.clear()
	w.marked = min(max(w.marked+by, 0), len(w.offers.Offers))
}

// back goes one page back; from the first the machine boots its disk.
func (w *Wizard) back() Effect {
	if len(w.past) == 0 {
		return GiveUp
	}
	last := len(w.past) - 1
	switch {
	case w.page == Question && w.question > 0:
		w.question--
	case w.page == Network: // the question stays the one that it was
		w.page, w.past = w.past[last], w.past[:last]
	default:
		w.page, w.past = w.past[last], w.past[:last]
		w.question = max(len(w.answers.Offer.Questions)-1, 0)
	}
	w.fill()
	return Stay
}

// turn goes on to a page.
func (w *Wizard) turn(to Page) {
	w.past = append(w.past, w.page)
	w.page = to
	w.fill()
}

// fill makes the fields of the page anew.
func (w *Wizard) fill() {
	w.problem, w.note = "", ""
	w.form = w.fields()
}

// Refuse says in plain words why the box, or this program, does not take what was typed.
func (w *Wizard) Refuse(why string) {
	w.problem = why
	w.form.clear()
}

// Unlocked goes on behind the password, with what it unlocked.
func (w *Wizard) Unlocked(offers api.Offers) {
	w.offers, w.page, w.past = offers, Sequences, nil // nobody types it again
	w.fill()
}

// Disks goes on to the summary, with the disks that may be erased; err says why there are none.
func (w *Wizard) Disks(disks []string, err error) {
	switch {
	case err != nil:
		w.problem = "the disks of this machine cannot be listed: " + err.Error()
	case len(disks) == 0:
		w.problem = "this machine has no disk for an operating system: check the cabling and the storage mode of the firmware"
	default:
		w.disks = disks
		w.turn(Summary)
	}
}

// Tested ends the test of the network: err says what is wrong with it, in plain words.
func (w *Wizard) Tested(adapters []Adapter, err error) {
	if w.adapters = adapters; w.page != Network {
		return
	}
	if err != nil {
		w.note, w.problem = "", err.Error()
		return
	}
	w.back()
	w.note = "the network works: the box answers"
}
