package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows how far an import is: on a terminal a bar that is drawn
// anew, otherwise a line every few seconds.
type progress struct {
	w       io.Writer
	bar     bool
	name    string
	now     func() time.Time
	stage   string
	began   time.Time
	drawn   time.Time
	started int64
}

func newProgress(w io.Writer, name string) *progress {
	return &progress{w: w, bar: terminal(w), name: name, now: time.Now}
}

const (
	barGap  = 200 * time.Millisecond
	lineGap = 5 * time.Second
	barSize = 30
)

func (p *progress) show(stage string, done, total int64) {
	now := p.now()
	if stage != p.stage {
		p.end()
		p.stage, p.began, p.drawn, p.started = stage, now, time.Time{}, done
	}
	gap := lineGap
	if p.bar {
		gap = barGap
	}
	if now.Sub(p.drawn) < gap && done < total {
		return
	}
	p.drawn = now
	text := fmt.Sprintf("%s: %s %s of %s%s", p.name, stage, bytesText(done), bytesText(total), p.rate(done, now))
	if !p.bar {
		fmt.Fprintln(p.w, text)
		return
	}
	full := 0
	if total > 0 {
		full = int(barSize * done / total)
	}
	fmt.Fprintf(p.w, "\r[%s%s] %s\x1b[K", strings.Repeat("#", full), strings.Repeat(".", barSize-full), text)
}

func (p *progress) rate(done int64, now time.Time) string {
	s := now.Sub(p.began).Seconds()
	if s < 0.5 || done <= p.started {
		return ""
	}
	return fmt.Sprintf(", %s/s", bytesText(int64(float64(done-p.started)/s)))
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.bar && p.stage != "" {
		fmt.Fprintln(p.w)
	}
	p.stage = ""
}
