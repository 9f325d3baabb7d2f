package graph

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bootward/bootward/osd/sequence"
)

// painter writes elements. The order of drawing is that of the document.
type painter struct {
	lines  []sequence.Line
	number int // of the node that was drawn last
	out    strings.Builder
}

func (p *painter) raw(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *painter) open(name, class string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	p.raw("<%s%s>", name, class)
}

func (p *painter) close(name string) { p.raw("</%s>", name) }

func (p *painter) circle(x, y, r int, class string) {
	p.raw(`<circle class="%s" cx="%d" cy="%d" r="%d"/>`, class, x, y, r)
}

// line is the way between two nodes, edge the same with an arrow at its end.
func (p *painter) line(from, to int) {
	p.raw(`<path class="way" d="M%d %dV%d"/>`, width/2, from, to)
}

func (p *painter) edge(from, to int) {
	p.line(from, to-4)
	p.raw(`<path class="arrow" d="M%d %dl4-7h-8z"/>`, width/2, to)
}

// text writes one line, cut to a width.
func (p *painter) text(x, y int, class, text string, room int) {
	size := sizes[strings.Fields(class)[0]]
	p.raw(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, escape(clip(text, room, size)))
}

// tags writes tags from the right and returns how much room they take.
func (p *painter) tags(all []tag, right, y int) int {
	at := right
	for _, t := range all {
		w := textWidth(t.text, small) + 12
		at -= w
		p.raw(`<rect class="tag %s" x="%d" y="%d" width="%d" height="18" rx="9"/>`, t.class, at, y, w)
		p.raw(`<text class="tagtext middle %s" x="%d" y="%d">%s</text>`, t.class, at+w/2, y+13, escape(t.text))
		at -= 6
	}
	return right - at
}

// escape writes a text as XML; what XML cannot hold becomes a replacement character.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// font is a size, and whether all letters are alike wide. Which font a viewer has is not known:
// widths are those of wide ones.
type font struct {
	size float64
	mono bool
	bold bool
}

var (
	small = font{size: 12}
	mono  = font{size: 12, mono: true}
)

var sizes = map[string]font{"head": {size: 20, bold: true}, "groupname": {size: 14, bold: true}, "name": {size: 14, bold: true}, "number": {size: 14}, "small": small,
	"condition": small, "detail": mono, "pausetext": small}

// textWidth guesses the width of a text.
func textWidth(text string, f font) int {
	w := 0.0
	for _, r := range text {
		w += letter(r, f.mono)
	}
	return f.pixels(w)
}

// pixels is the width of what is w sizes of the font wide.
func (f font) pixels(w float64) int {
	if f.bold {
		w *= 1.08
	}
	return int(w*f.size) + 1
}

// letter is the width of a letter, in parts of the font's size.
func letter(r rune, mono bool) float64 {
	switch {
	case r >= 0x1100 && (r < 0x1200 || r > 0x2e7f): // scripts of Asia, symbols
		return 1.05
	case mono:
		return 0.62
	case strings.ContainsRune("iljtfrI.,:;'|!()[] ", r):
		return 0.39
	case strings.ContainsRune("mwMW@%", r):
		return 0.98
	case unicode.IsUpper(r):
		return 0.72
	}
	return 0.61
}

// clip cuts a text to a width.
func clip(text string, room int, f font) string {
	text = strings.Join(strings.Fields(text), " ")
	if textWidth(text, f) <= room {
		return text
	}
	keep, w := 0, 0.0
	for at, r := range text {
		w += letter(r, f.mono)
		if at > 0 && f.pixels(w+letter('…', f.mono)) > room {
			break
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		keep = at + n
	}
	return strings.TrimRight(text[:keep], " ") + "…"
}

// wrap breaks a text into lines; a word that is too long is cut.
func wrap(text string, room int, f font) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		word = clip(word, room, f)
		if n := len(lines); n > 0 && textWidth(lines[n-1]+" "+word, f) <= room {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
