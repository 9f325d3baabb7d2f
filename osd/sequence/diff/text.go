package diff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Color marks a text for a terminal by what happened; the empty Op is what is less important.
type Color func(op Op, text string) string

// Text writes the differences for people, in lines of at most width columns.
func Text(changes []Change, width int, color Color) []string {
	if color == nil {
		color = func(_ Op, text string) string { return text }
	}
	w := writer{width: width, color: color}
	for i, c := range changes {
		if i > 0 {
			w.lines = append(w.lines, "")
		}
		w.change(c)
	}
	return w.lines
}

type writer struct {
	width int
	color Color
	lines []string
}

// signs stand before what happened.
var signs = map[Op]string{Added: "+", Removed: "-", Changed: "~", Moved: ">"}

func (w *writer) change(c Change) {
	title := "the task sequence"
	if c.Type != "" {
		title = fmt.Sprintf("%s %q", c.Type, c.Name)
		if c.Type == "group" {
			title = fmt.Sprintf("group %q", c.Name)
		}
	}
	switch {
	case c.Old > 0 && c.New > 0 && c.Old != c.New:
		title = fmt.Sprintf("%d → %d  %s", c.Old, c.New, title)
	case c.Old+c.New > 0:
		title = fmt.Sprintf("%d  %s", max(c.Old, c.New), title)
	}
	w.fold(c.Op, signs[c.Op]+" ", "    ", title)
	from, to := strings.Join(c.From, " / "), strings.Join(c.To, " / ")
	switch {
	case c.Op == Moved && from != to:
		w.fold("", "    ", "      ", fmt.Sprintf("moved from %s to %s", place(from), place(to)))
	case c.Op == Moved:
		w.fold("", "    ", "      ", "moved within "+place(to))
	case c.Type != "":
		w.fold("", "    ", "      ", "in "+place(map[bool]string{true: from, false: to}[c.Op == Removed]))
	}
	for _, f := range c.Fields {
		w.field(c.Op, f)
	}
}

func place(groups string) string {
	if groups == "" {
		return "the sequence itself"
	}
	return groups
}

func (w *writer) field(op Op, f Field) {
	switch {
	case (op == Added || op == Removed) && (f.Path == "name" || f.Path == "group"):
	case op == Added:
		w.fold(Added, "    ", "      ", f.Path+": "+quoted(f.New))
	case op == Removed:
		w.fold(Removed, "    ", "      ", f.Path+": "+quoted(f.Old))
	case utf8.RuneCountInString(f.Path+f.Old+f.New)+11 <= w.width && f.Old != "" && f.New != "":
		w.fold(Changed, "    ", "      ", f.Path+": "+quoted(f.Old)+" → "+quoted(f.New))
	default:
		if f.Old != "" {
			w.fold(Removed, "    - ", "        ", f.Path+": "+quoted(f.Old))
		}
		if f.New != "" {
			w.fold(Added, "    + ", "        ", f.Path+": "+quoted(f.New))
		}
	}
}

// quoted makes line ends and spaces at the ends visible.
func quoted(text string) string {
	if strings.TrimSpace(text) != text || strings.ContainsAny(text, "\n\t\r") {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// fold writes a text in lines, at spaces where there are some.
func (w *writer) fold(op Op, first, next, text string) {
	indent := first
	clean := strings.Map(func(r rune) rune { // what would write elsewhere on a terminal
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	for rest := []rune(clean); ; indent = next {
		room := max(w.width-utf8.RuneCountInString(indent), 20)
		if len(rest) <= room {
			w.lines = append(w.lines, w.color(op, indent+string(rest)))
			return
		}
		cut := room
		for i := room; i > room/2; i-- {
			if rest[i] == ' ' {
				cut = i
				break
			}
		}
		w.lines = append(w.lines, w.color(op, indent+string(rest[:cut])))
		rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
	}
}
