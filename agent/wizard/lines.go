package wizard

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/agent/console"
)

// A page fits a VT100, and leaves its last column free: writing there may turn the line.
const (
	Width  = 79
	Height = 24
)

// Lines is the page, and where the cursor stands, from 0.
func (w *Wizard) Lines() (lines []string, row, column int) {
	p := newPage(w.about, w.title())
	w.body(p)
	p.blank()
	for i := range w.form.fields {
		shown := console.Printable(w.form.fields[i].show())
		if i == w.form.at {
			row, column = len(p.lines), utf8.RuneCountInString(shown)
		}
		p.lines = append(p.lines, shown)
	}
	if text := cmp.Or(w.problem, w.note); text != "" {
		p.blank()
		p.text("", text)
	}
	return p.done(w.keys()), row, column
}

func (w *Wizard) title() string {
	switch w.page {
	case Password:
		return "What can be chosen here needs the PXE password"
	case Sequences:
		return "Which task sequence shall this machine run?"
	case Name:
		return "What is this computer to be called?"
	case Replaces:
		return "Does it take the place of another computer?"
	case Question:
		return fmt.Sprintf("Question %d of %d", w.question+1, len(w.answers.Offer.Questions))
	case Summary:
		return "This is going to be done"
	}
	return "Network settings"
}

// keys says what the keys do.
func (w *Wizard) keys() string {
	text := "Enter go on   Esc back   F10 (^C) give up"
	if len(w.past) == 0 {
		text = "Enter go on   Esc boot the disk"
	}
	switch {
	case w.page == Network:
		return text + "   Up/Down (^P/^N) line"
	case w.page == Sequences:
		text += "   Up/Down (^P/^N) choose"
	}
	if len(w.adapters) > 0 {
		text += "   F2 (^O) network"
	}
	return text
}

func (w *Wizard) body(p *page) {
	switch w.page {
	case Sequences:
		w.list(p)
	case Name:
		p.text("", "1 to 15 letters, digits and hyphens, not digits alone.")
	case Replaces:
		p.text("", replacesText)
		p.text("", "The box gives this machine what is known of that computer; its name stays free if nothing is typed.")
	case Question:
		w.ask(p)
	case Summary:
		w.summary(p)
	case Network:
		for i, a := range w.adapters {
			cable, addresses := "no cable", "no address"
			if a.Carrier {
				cable = "cable connected"
			}
			if len(a.Addresses) > 0 {
				addresses = strings.Join(a.Addresses, ", ")
			}
			p.text(fmt.Sprintf("  %d  ", i+1), fmt.Sprintf("%s  %s  %s  %s", a.Name, a.MAC, cable, addresses))
		}
		p.blank()
		p.text("", "The settings are tried before they count: the box has to answer. If it does not, everything stays as it was.")
	}
}

// ask is a question with its choices.
func (w *Wizard) ask(p *page) {
	q := w.asked()
	p.text("", q.Prompt)
	for i, choice := range q.Choices {
		p.most(1, fmt.Sprintf("  %d  ", i+1), choice) // the field must have its place below
	}
	if q.Secret {
		p.blank()
		p.text("", "The answer is not shown. It stays on this machine and is deleted with the job.")
	}
}

// list is the offers, as many as fit around the marked one.
func (w *Wizard) list(p *page) {
	if w.about.Text != "" && len(w.past) == 0 {
		p.most(4, "", w.about.Text)
		p.blank()
	}
	var lines []string
	at, end := 0, 0
	for i, o := range w.offers.Offers {
		if i+1 == w.marked {
			at = len(lines)
		}
		lines = append(lines, entry(i+1, o.Name, o.Sequence, o.Comment, i+1 == w.marked, o.Destructive, o.Approval)...)
		if i+1 == w.marked {
			end = len(lines)
		}
	}
	room := Height - len(p.lines) - 6 // blank, field, blank, problem, rule, keys
	if len(lines) <= room {
		p.lines = append(p.lines, lines...)
		return
	}
	room-- // of what is said about the rest
	from := min(max(end-room, 0), at)
	p.lines = append(p.lines, lines[from:min(from+room, len(lines))]...)
	p.text("", fmt.Sprintf("     %d task sequences in all; Up and Down show more", len(w.offers.Offers)))
}

func entry(number int, name, sequence, comment string, marked, erases, approval bool) []string {
	text := name + ": " + sequence
	if erases {
		text += "  (ERASES A DISK)"
	}
	if approval {
		text += "  (needs approval)"
	}
	p := &page{}
	mark := " "
	if marked {
		mark = ">"
	}
	p.text(fmt.Sprintf("%s%3d  ", mark, number), text)
	if comment != "" {
		p.most(2, "      ", comment)
	}
	return p.lines
}

// summary is all that was decided, and what will be erased.
func (w *Wizard) summary(p *page) {
	a := w.answers
	p.text("Runs:      ", fmt.Sprintf("%s (%s)", a.Offer.Name, a.Offer.Sequence))
	if a.Name != "" {
		p.text("Computer:  ", a.Name)
	}
	if a.Replaces != "" {
		p.text("Replaces:  ", a.Replaces)
	}
	for _, q := range a.Offer.Questions {
		if len(p.lines) > 9 {
			p.text("           ", "and further answers")
			break
		}
		value := a.Values[q.Variable]
		if q.Secret && value != "" {
			value = "********"
		}
		p.most(1, "Answer:    ", q.Variable+" = "+value)
	}
	if a.Offer.Approval {
		p.text("Then:      ", "a code is shown, and a person at the site or the box has to approve it")
	}
	if !a.Offer.Destructive {
		p.text("Erases:    ", "nothing")
		return
	}
	p.blank()
	which := "one of these disks"
	if len(w.disks) == 1 {
		which = "this disk"
	}
	p.text("", "ERASES ALL DATA on "+which+":")
	for i, d := range w.disks {
		if len(p.lines) > Height-8 && i+1 < len(w.disks) {
			p.text("  ", fmt.Sprintf("and %d more; the one that is meant is named before it is erased", len(w.disks)-i))
			break
		}
		p.most(1, "  ", d)
	}
}

// page collects the lines of a page.
type page struct{ lines []string }

// newPage begins a page: whose it is, where, and what it is about.
func newPage(a About, title string) *page {
	p := &page{}
	left, right := a.Organisation, ""
	if left == "" {
		left = "Task Sequence Wizard"
	}
	if a.Box != "" {
		right = "site " + a.Site + ", box " + a.Box
	}
	left, right = cut(left, Width), cut(right, 30)
	if room := Width - utf8.RuneCountInString(right) - 2; right != "" {
		left = fmt.Sprintf("%-*s  %s", room, cut(left, room), right)
	}
	p.lines = []string{left, strings.Repeat("-", Width), cut(title, Width), ""}
	return p
}

func (p *page) blank() { p.lines = append(p.lines, "") }

// text adds a text behind a label; longer ones go on below.
func (p *page) text(label, text string) { p.most(Height, label, text) }

// most is text of some lines at most.
func (p *page) most(lines int, label, text string) {
	all := console.Wrap(text, Width-utf8.RuneCountInString(label))
	if len(all) > lines {
		all = all[:lines]
		last := []rune(all[lines-1])
		all[lines-1] = string(last[:min(len(last), Width-utf8.RuneCountInString(label)-3)]) + "..."
	}
	for i, line := range all {
		if i > 0 {
			label = strings.Repeat(" ", utf8.RuneCountInString(label))
		}
		p.lines = append(p.lines, label+line)
	}
}

// done puts what the keys do into the last line.
func (p *page) done(keys string) []string {
	const below = 2
	if len(p.lines) > Height-below {
		p.lines = p.lines[:Height-below]
	}
	for len(p.lines) < Height-below {
		p.blank()
	}
	p.lines = append(p.lines, strings.Repeat("-", Width), cut(keys, Width))
	for i := range p.lines {
		p.lines[i] = strings.TrimRight(p.lines[i], " ")
	}
	return p.lines
}

func cut(s string, n int) string {
	r := []rune(console.Printable(s))
	return string(r[:min(len(r), n)])
}
