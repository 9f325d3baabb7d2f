// Package graph draws a task sequence as SVG 1.1: steps from top to bottom, groups as boxes around
// them, conditions where the way forks, restarts as breaks. It reads in light and in dark. It
// loads nothing from elsewhere and holds no script. Pure.
package graph

import (
	"fmt"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// Measures, in pixels.
const (
	width   = 760
	margin  = 24
	padding = 30 // of a group, with the lane of those who go past a step
	lane    = 14 // from the edge of a step to the lane
	gap     = 20 // the edge between two nodes
	line    = 17 // height of a line of small text
)

// SVG draws the sequence.
func SVG(s *sequence.Sequence) []byte {
	p := &painter{lines: s.Flatten()}
	p.open("g", "")
	y := p.head(s)
	p.circle(width/2, y+7, 7, "start")
	y = p.nodes(s.Steps, margin, width-2*margin, y+14)
	p.edge(y, y+gap)
	p.circle(width/2, y+gap+9, 9, "end")
	p.circle(width/2, y+gap+9, 5, "start")
	y += gap + 18
	p.text(width/2, y+18, "small middle", "the task sequence has succeeded", width)
	p.close("g")
	height := y + 18 + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escape(s.Name), style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d"/>`+"\n", width, height)
	return []byte(b.String() + p.out.String() + "</svg>\n")
}

// head writes what stands above the sequence.
func (p *painter) head(s *sequence.Sequence) int {
	y := margin + 16
	p.text(margin, y, "head", s.Name, width-2*margin)
	about := "no boot image"
	if s.BootImage != "" {
		about = "boot image " + s.BootImage
	}
	if n := len(s.Variables); n > 0 {
		about += " · " + count(n, "variable")
	}
	about += " · " + count(len(p.lines), "entry", "entries")
	p.text(margin, y+21, "small", about, width-2*margin)
	return y + 42
}

// nodes draws nodes below each other, between x and x+w, and returns where they end.
func (p *painter) nodes(nodes []sequence.Node, x, w, y int) int {
	for _, n := range nodes {
		y = p.node(n, x, w, y)
	}
	return y
}

// node draws the edge to a node, with its condition, and the node.
func (p *painter) node(n sequence.Node, x, w, y int) int {
	p.number++
	l := p.lines[p.number-1]
	condition, off := (*sequence.Condition)(nil), false
	if n.Group != nil {
		condition, off = n.Group.Condition, n.Group.Disabled
	} else {
		condition, off = n.Step.Common().Condition, n.Step.Common().Disabled
	}
	top := y + gap
	if condition != nil {
		top = p.fork(condition.String(), x, w, y)
	} else {
		p.edge(y, top)
	}
	class := "node"
	if off {
		class = "node off"
	}
	p.open("g", class)
	var bottom int
	if n.Group != nil {
		bottom = p.group(n.Group, l, x, w, top)
	} else {
		bottom = p.step(n.Step, l, x, w, top)
	}
	p.close("g")
	if to := restart(n.Step); to != "" && !off {
		bottom = p.pause(to, x, w, bottom)
	}
	if condition != nil {
		bottom = p.join(x, y+gap/2, bottom)
	}
	return bottom
}

// fork draws an edge with a condition on it: the question, and the way past the node.
func (p *painter) fork(condition string, x, w, y int) int {
	lines := wrap("if "+condition, w/2-lane-14, small)
	top := y + gap/2 + 8 + max(len(lines)*line, gap)
	p.edge(y, top)
	at := y + gap/2
	p.raw(`<path class="fork" d="M%d %dl6 6-6 6-6-6z"/>`, width/2, at-6)
	for i, l := range lines {
		p.text(width/2+14, at+4+i*line, "condition", l, w)
	}
	return top
}

// join draws the way past a node, from the fork to behind the node.
func (p *painter) join(x, from, bottom int) int {
	to := bottom + gap/2
	p.raw(`<path class="past" d="M%d %dH%dq-6 0-6 6V%dq0 6 6 6H%d"/>`, width/2-6, from, x-lane+6, to-6, width/2)
	p.line(bottom, to)
	return to
}

// pause draws the break of a restart.
func (p *painter) pause(to string, x, w, y int) int {
	p.line(y, y+gap/2)
	y += gap/2 + 12
	text := "restart into " + to
	half := textWidth(text, small)/2 + 14
	var wave strings.Builder
	for _, part := range [][2]int{{x, width/2 - half}, {width/2 + half, x + w}} {
		fmt.Fprintf(&wave, "M%d %d", part[0], y)
		for at := part[0]; at+12 <= part[1]; at += 12 {
			wave.WriteString("q3-5 6 0t6 0")
		}
	}
	p.raw(`<path class="pause" d="%s"/>`, wave.String())
	p.text(width/2, y+4, "pausetext middle", text, w)
	return y + 10
}

// group draws a box around what a group holds.
func (p *painter) group(g *sequence.Group, l sequence.Line, x, w, y int) int {
	inner := &painter{lines: p.lines, number: p.number}
	head := 34
	if g.Description != "" {
		head += line * len(wrap(g.Description, w-2*padding, small))
	}
	bottom := inner.nodes(g.Steps, x+padding, w-2*padding, y+head)
	inner.line(bottom, bottom+12)
	bottom += 12
	p.number = inner.number
	p.raw(`<rect class="group" x="%d" y="%d" width="%d" height="%d" rx="10"/>`, x, y, w, bottom-y)
	p.line(y+head-6, y+head)
	tags := tagsOf(g.Disabled, g.ContinueOnError)
	room := w - 30 - p.tags(tags, x+w-10, y+8)
	p.text(x+14, y+22, "groupname", fmt.Sprintf("%d  %s", l.Number, g.Name), room)
	for i, text := range wrap(g.Description, w-2*padding, small) {
		p.text(x+14, y+40+i*line, "small", text, w)
	}
	p.out.WriteString(inner.out.String())
	return bottom
}
