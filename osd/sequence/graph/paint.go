package graph

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"

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
	runes := []rune(text)
	for len(runes) > 1 && textWidth(string(runes)+"…", f) > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
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

// style is the look; colours keep a contrast of 4.5 to 1 in both schemes.
const style = `
text { font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1b1f24; }
.page { fill: #ffffff; }
.head { font-size: 20px; font-weight: 600; }
.groupname, .name { font-size: 14px; font-weight: 600; }
.number { font-size: 14px; fill: #59636e; }
.small, .tagtext, .condition, .pausetext { font-size: 12px; }
.small { fill: #59636e; }
.detail { font-family: ui-monospace, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: 12px; fill: #3b434b; }
.condition { fill: #6639ba; font-style: italic; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.group { fill: #59636e; fill-opacity: .07; stroke: #afb8c1; stroke-width: 1; }
.step { fill: #ffffff; stroke: #8c959f; stroke-width: 1; }
.erases { stroke: #d1242f; }
.strip { fill: #d1242f; }
.way, .past, .pause { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.past { stroke: #8250df; stroke-dasharray: 4 3; }
.pause { stroke: #0969da; }
.pausetext { fill: #0550ae; }
.arrow { fill: #8c959f; }
.fork { fill: #8250df; }
.start { fill: #1f883d; }
circle.end { fill: none; stroke: #1f883d; stroke-width: 1.5; }
.tag { fill: #59636e; fill-opacity: .12; }
.tag.danger { fill: #d1242f; fill-opacity: 1; }
.tagtext.danger { fill: #ffffff; }
.tag.cannot { fill: #bf8700; fill-opacity: .2; }
.off { opacity: .55; }
.off .step, .off .group { stroke-dasharray: 5 4; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.page { fill: #0d1117; }
.number, .small { fill: #9198a1; }
.detail { fill: #d1d7e0; }
.condition { fill: #d2a8ff; }
.group { stroke: #3d444d; fill: #9198a1; fill-opacity: .08; }
.step { fill: #151b23; stroke: #656c76; }
.erases { stroke: #f85149; }
.strip { fill: #f85149; }
.tag { fill: #9198a1; fill-opacity: .25; }
.tag.danger { fill: #da3633; }
.pausetext { fill: #79c0ff; }
.pause { stroke: #4493f8; }
.past, .fork { stroke: #ab7df8; }
.fork { fill: #ab7df8; stroke: none; }
.start { fill: #3fb950; }
circle.end { stroke: #3fb950; }
}
`
