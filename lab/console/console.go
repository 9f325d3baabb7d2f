// Package console shows a person what the lab is doing: the stage it is in, how far and how fast, and how long it has
// taken. It has three forms: a few lines redrawn on a terminal, one line per change for logs, and one JSON object per
// line for programs. It refuses to fail: output that cannot be written is dropped, since the lab's work matters more.
package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// Mode is the form of the display.
type Mode string

const (
	Terminal Mode = "terminal"
	Plain    Mode = "plain"
	JSON     Mode = "json"
)

// interval is the shortest time between two reports of progress.
var interval = map[Mode]time.Duration{Terminal: 100 * time.Millisecond, Plain: 5 * time.Second, JSON: time.Second}

// ModeFor chooses the form for a file: JSON if asked for, otherwise by whether it is a terminal.
func ModeFor(f *os.File, asJSON bool) Mode {
	switch {
	case asJSON:
		return JSON
	case isatty.IsTerminal(f.Fd()):
		return Terminal
	}
	return Plain
}

// Bytes is the unit of Progress that is shown as KiB, MiB and GiB.
const Bytes = "bytes"

// Display shows the work. Its methods may be called from any goroutine.
type Display struct {
	out  io.Writer
	mode Mode
	now  func() time.Time

	mu       sync.Mutex
	begun    time.Time
	stage    string
	since    time.Time // when the stage began
	progress Progress
	shown    time.Time // when progress was last shown
	drawn    int       // lines on the terminal that the next drawing replaces
	over     bool
}

// Progress is how far a stage is.
type Progress struct {
	Done  int64   `json:"done"`
	Total int64   `json:"total,omitempty"` // 0: unknown
	Unit  string  `json:"unit"`            // bytes, or a plural such as files; empty: no progress to show
	Rate  float64 `json:"rate,omitempty"`  // per second, over the stage
}

// New returns a display; now is the clock, such as time.Now.
func New(out io.Writer, mode Mode, now func() time.Time) *Display {
	return &Display{out: out, mode: mode, now: now, begun: now()}
}

// Run keeps the elapsed time on a terminal moving until ctx ends. Without it the display changes with events only.
func (d *Display) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			d.mu.Lock()
			d.redraw()
			d.mu.Unlock()
		}
	}
}

// Stage ends the stage before, if any, and begins the next.
func (d *Display) Stage(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.endStage("done")
	d.stage, d.since, d.progress, d.shown = name, d.now(), Progress{}, time.Time{}
	switch d.mode {
	case JSON:
		d.emit(event{Event: "stage", Stage: name})
	case Plain:
		d.line("%s  begin %s", d.elapsed(), name)
	}
	d.redraw()
}

// Progress says how far the stage is; total 0 is unknown. More than all is all. Nothing is shown without a unit, or
// before there is anything to tell. It is cheap to call often.
func (d *Display) Progress(done, total int64, unit string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || d.stage == "" || unit == "" || done <= 0 && total <= 0 {
		return
	}
	if total > 0 {
		done = min(done, total)
	}
	now := d.now()
	d.progress = Progress{Done: done, Total: total, Unit: unit}
	if s := now.Sub(d.since).Seconds(); s > 0 {
		d.progress.Rate = float64(done) / s
	}
	if !d.shown.IsZero() && now.Sub(d.shown) < interval[d.mode] {
		return
	}
	d.shown = now
	switch d.mode {
	case JSON:
		d.emit(event{Event: "progress", Stage: d.stage, Progress: &d.progress})
	case Plain:
		d.line("%s        %s: %s", d.elapsed(), d.stage, d.progress)
	}
	d.redraw()
}

// Note says something that stays to be read.
func (d *Display) Note(text string) { d.say("note", text) }

// Check says what was looked at and found to be as it must be.
func (d *Display) Check(text string) { d.say("check", text) }

func (d *Display) say(kind, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	if d.mode == JSON {
		d.emit(event{Event: kind, Stage: d.stage, Text: text})
	} else {
		d.line("%s  %-5s %s", d.elapsed(), kind, text)
	}
	d.redraw()
}

// Done ends the display: with success, or with the error that ended the work.
func (d *Display) Done(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	word, text := "done", ""
	if err != nil {
		word, text = "FAILED", err.Error()
	}
	d.endStage(word)
	d.over = true
	switch {
	case d.mode == JSON:
		ok := err == nil
		d.emit(event{Event: "done", OK: &ok, Text: text})
	case err != nil:
		d.line("%s  failed: %s", d.elapsed(), text)
	default:
		d.line("%s  all done", d.elapsed())
	}
}

// endStage leaves one line about the stage that ends.
func (d *Display) endStage(word string) {
	d.erase()
	if d.stage == "" {
		return
	}
	took := d.now().Sub(d.since)
	if d.mode == JSON {
		d.emit(event{Event: "stage-end", Stage: d.stage, Text: word, Took: took.Seconds()})
	} else {
		d.line("%s  %-5s %s, %.1f s", d.elapsed(), word, d.stage, took.Seconds())
	}
	d.stage = ""
}

// event is one line of the JSON form.
type event struct {
	Time     time.Time `json:"time"`
	Elapsed  float64   `json:"elapsed"` // seconds since the display began
	Event    string    `json:"event"`   // stage, progress, stage-end, note, check, done
	Stage    string    `json:"stage,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Text     string    `json:"text,omitempty"`
	Took     float64   `json:"took,omitempty"` // seconds, of a stage that ended
	OK       *bool     `json:"ok,omitempty"`   // of done
}

func (d *Display) emit(e event) {
	e.Time = d.now().UTC()
	e.Elapsed = d.now().Sub(d.begun).Seconds()
	if text, err := json.Marshal(e); err == nil {
		_, _ = d.out.Write(append(text, '\n'))
	}
}

func (d *Display) line(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	_, _ = io.WriteString(d.out, text+"\n")
}

func (d *Display) elapsed() string { return clock(d.now().Sub(d.begun)) }
