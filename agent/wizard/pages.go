package wizard

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// What the fields say. The words are those of the wizard's earlier forms: people and programs that
// watch a serial line know them.
const (
	askPassword = "PXE password, or nothing to boot the disk: "
	askNumber   = "Number, or nothing to boot the disk: "
	askYes      = "Type YES to go on: "
	askAnyName  = "Computer name, or nothing to let the box choose one: "
	// Too long for a line with its answer.
	replacesText = "Does this machine replace another? Name of that computer, or nothing: "
)

// fields are those of the page, as it is turned to.
func (w *Wizard) fields() form {
	switch w.page {
	case Password:
		f := one(askPassword)
		f.fields[0].secret = true
		return f
	case Sequences:
		return one(askNumber)
	case Name:
		if s := w.answers.Offer.SuggestedName; s != "" {
			return one("Computer name [" + s + "]: ")
		}
		return one(askAnyName)
	case Replaces:
		return one("> ")
	case Question:
		return w.answer()
	case Summary:
		if w.answers.Offer.Destructive {
			return one(askYes)
		}
		return one("Press Enter to begin: ")
	}
	return w.settings()
}

// answer is the field of a question.
func (w *Wizard) answer() form {
	q := w.asked()
	f := one("Answer: ")
	switch {
	case q.Default != "" && len(q.Default) <= maxShown:
		f = one("Answer [" + q.Default + "]: ")
	case q.Default != "":
		f = one("Answer, or nothing for the usual one: ")
	case q.Optional:
		f = one("Answer, or nothing: ")
	}
	f.fields[0].secret = q.Secret
	return f
}

// asked is the question of the page.
func (w *Wizard) asked() *sequence.Question { return &w.answers.Offer.Questions[w.question] }

// enter takes what stands on the page.
func (w *Wizard) enter() Effect {
	typed := strings.TrimSpace(w.form.text())
	switch w.page {
	case Password:
		if w.form.text() == "" {
			return GiveUp
		}
		return Unlock
	case Sequences:
		return w.pick(typed)
	case Name:
		return w.name(typed)
	case Replaces:
		w.answers.Replaces = typed
		return w.onward(Replaces)
	case Question:
		return w.reply()
	case Summary:
		if w.answers.Offer.Destructive && w.form.text() != "YES" {
			w.Refuse("nothing was changed; type YES in capital letters, or press Esc to go back")
			return Stay
		}
		return Begin
	}
	return w.try()
}

// pick takes the number that was typed, or else the offer that is marked.
func (w *Wizard) pick(typed string) Effect {
	n := w.marked
	if typed != "" {
		var err error
		if n, err = strconv.Atoi(typed); err != nil || n < 1 || n > len(w.offers.Offers) {
			w.Refuse(fmt.Sprintf("Give a number from 1 to %d.", len(w.offers.Offers)))
			return Stay
		}
	}
	if n == 0 {
		return GiveUp
	}
	w.marked = n
	w.answers = Answers{Offer: w.offers.Offers[n-1]}
	return w.onward(Sequences)
}

func (w *Wizard) name(typed string) Effect {
	if typed == "" {
		typed = w.answers.Offer.SuggestedName
	}
	if typed != "" {
		if err := osd.CheckComputerName(typed); err != nil {
			w.Refuse(err.Error())
			return Stay
		}
	}
	w.answers.Name = typed
	return w.onward(Name)
}

// reply takes the answer to a question: a choice also by its number.
func (w *Wizard) reply() Effect {
	q := w.asked()
	value, err := q.Reply(w.form.text())
	if err != nil {
		w.Refuse(err.Error())
		return Stay
	}
	if w.answers.Values == nil {
		w.answers.Values = map[string]string{}
	}
	w.answers.Values[q.Variable] = value
	if w.question+1 < len(w.answers.Offer.Questions) {
		w.question++
		w.fill()
		return Stay
	}
	return w.onward(Question)
}

// onward goes from a page to the next that has something to ask. What erases nothing and asks
// nothing begins at once.
func (w *Wizard) onward(from Page) Effect {
	o := w.answers.Offer
	switch {
	case from < Name && o.AskName:
		w.turn(Name)
	case from < Replaces && w.offers.AskReplaces:
		w.turn(Replaces)
	case from < Question && len(o.Questions) > 0:
		w.question = 0
		w.turn(Question)
	case o.Destructive:
		return ListDisks
	case from == Sequences:
		return Begin
	default:
		w.turn(Summary)
	}
	return Stay
}
