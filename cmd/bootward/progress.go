package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress shows how far an import is: on a terminal a bar that is drawn anew,
// with rate and time left. Anywhere else there is only the line at the end.
type progress struct {
	w     io.Writer
	bar   bool
	name  string
	now   func() time.Time
	stage string
	began time.Time
	drawn time.Time
	start int64 // what was done when the stage began
	last  int64
	over  []string // what is told of the stages that have ended
	open  bool     // a bar stands on the line
}

func newProgress(w io.Writer, name string) *progress {
	return &progress{w: w, bar: terminal(w), name: name, now: time.Now}
}

const (
	barGap  = 200 * time.Millisecond
	barSize = 20
)

func (p *progress) show(stage string, done, total int64) {
	now := p.now()
	if stage != p.stage {
		p.endStage(now)
		p.stage, p.began, p.drawn, p.start = stage, now, time.Time{}, done
	}
	p.last = done
	if !p.bar || now.Sub(p.drawn) < barGap && done < total {
		return
	}
	p.drawn, p.open = now, true
	fmt.Fprintf(p.w, "\r%s\x1b[K", p.text(done, total, now))
}

// text is the line of a bar.
func (p *progress) text(done, total int64, now time.Time) string {
	if done == 0 && p.stage == "verifying" {
		return fmt.Sprintf("%s: the site verifies %s", p.name, bytesText(total))
	}
	full, percent := barSize, int64(100)
	if total > 0 {
		done = min(done, total)
		full, percent = int(barSize*done/total), 100*done/total
	}
	return fmt.Sprintf("[%s%s] %3d%% %s: %s %s of %s%s", strings.Repeat("#", full), strings.Repeat(".", barSize-full), percent,
		p.name, p.stage, bytesText(done), bytesText(total), p.rate(done, total, now))
}

// rate is how fast it goes and how long the rest will take.
func (p *progress) rate(done, total int64, now time.Time) string {
	s := now.Sub(p.began).Seconds()
	if s < 0.5 || done <= p.start {
		return ""
	}
	perSecond := float64(done-p.start) / s
	text := fmt.Sprintf(", %s/s", bytesText(int64(perSecond)))
	if left := float64(total-done) / perSecond; left >= 1 {
		text += ", " + (time.Duration(left) * time.Second).String() + " left"
	}
	return text
}

// endStage keeps what is told of a stage at the end.
func (p *progress) endStage(now time.Time) {
	did := map[string]string{"hashing": "hashed", "sending": "sent", "verifying": "verified by the site"}[p.stage]
	if did == "" {
		return
	}
	took := now.Sub(p.began)
	text := fmt.Sprintf("%s in %.1f s", did, took.Seconds())
	if n := p.last - p.start; n > 0 {
		text = bytesText(p.last) + " " + text
		if s := took.Seconds(); s >= 0.5 {
			text += fmt.Sprintf(" (%s/s)", bytesText(int64(float64(n)/s)))
		}
	}
	p.over = append(p.over, text)
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.open = false
	}
}

// done leaves one line about an import that succeeded.
func (p *progress) done() {
	p.clear()
	p.endStage(p.now())
	p.stage = ""
	fmt.Fprintf(p.w, "%s: %s\n", p.name, strings.Join(p.over, ", "))
}
