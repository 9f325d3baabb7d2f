package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotation is what Parse returns, with the text, for what it cannot read.
var ErrNotation = errors.New("give a time such as 2026-12-01T18:00:00Z or 2026-12-01T18:00, or a recurrence: every 4 hours; daily at 02:00; " +
	"weekly on Monday, Thursday at 18:30; monthly on 1 at 03:00; monthly on second Tuesday at 03:00; every 2 weeks on Monday at 18:30 from 2026-12-01")

// localForms of a single time have no zone of their own.
var localForms = []string{"2006-01-02T15:04:05", "2006-01-02T15:04"}

// moment is a single time. What holds for recurrences when the clocks jump
// holds for a local one.
func moment(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, form := range localForms {
		if t, err := time.Parse(form, text); err == nil {
			return civilOf(t).at(t.Hour(), t.Minute(), t.Second(), zone), nil
		}
	}
	return time.Time{}, ErrNotation
}

// maxText is the longest notation, in bytes.
const maxText = 200

// Parse reads the notation of docs/formats/schedule.md, in any case.
func Parse(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxText {
		return Schedule{}, fmt.Errorf("schedule %.40q…: it has %d bytes, at most %d are read: %w", text, len(text), maxText, ErrNotation)
	}
	single := strings.Replace(strings.ToUpper(text), " ", "T", 1)
	if t, err := moment(single, time.UTC); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
		return Schedule{kind: once, once: single}, nil
	}
	p := &parser{words: strings.Fields(strings.ToLower(strings.ReplaceAll(text, ",", " ")))}
	s, ok := p.schedule()
	if !ok || len(p.words) > 0 {
		return Schedule{}, fmt.Errorf("schedule %q: %w", text, ErrNotation)
	}
	if _, occurs := s.occurrence(s.from, 1); !occurs {
		return Schedule{}, fmt.Errorf("schedule %q: none of these months has the day: give one that they have, or last", text)
	}
	return s, nil
}

// parser takes words from the front.
type parser struct{ words []string }

func (p *parser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *parser) is(word string) bool {
	if len(p.words) > 0 && p.words[0] == word {
		p.words = p.words[1:]
		return true
	}
	return false
}

// maxEvery bounds the number of units between occurrences.
const maxEvery = 1000

func (p *parser) schedule() (Schedule, bool) {
	unit, s := p.next(), Schedule{every: 1}
	if unit == "every" {
		n, err := strconv.Atoi(p.next())
		if err != nil || n < 1 || n > maxEvery {
			return s, false
		}
		s.every, unit = n, p.next()
	}
	ok := false
	switch unit {
	case "hourly", "hours", "hour":
		s.kind, s.every = interval, s.every*60
	case "minutes", "minute":
		s.kind = interval
	case "daily", "days", "day":
		s.kind = daily
	case "weekly", "weeks", "week":
		s.kind = weekly
		if s.days, ok = p.weekdays(); !ok {
			return s, false
		}
	case "monthly", "months", "month":
		if !p.monthly(&s) {
			return s, false
		}
	default:
		return s, false
	}
	if s.kind != interval && !(p.is("at") && p.clock(&s)) {
		return s, false
	}
	return s, !p.is("from") || p.from(&s)
}

func (p *parser) weekdays() (days uint8, ok bool) {
	if !p.is("on") {
		return 0, false
	}
	for len(p.words) > 0 && p.words[0] != "at" {
		d, ok := weekdayOf(p.next())
		if !ok {
			return 0, false
		}
		days |= 1 << d
	}
	return days, days != 0
}

func weekdayOf(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		if word == name || word == name[:3] {
			return d, true
		}
	}
	return 0, false
}

func (p *parser) monthly(s *Schedule) bool {
	if !p.is("on") {
		return false
	}
	word := p.next()
	if n, err := strconv.Atoi(word); err == nil {
		s.kind, s.nth = monthlyDay, n
		return n >= 1 && n <= 31
	}
	n := slices.Index(ordinals[:], word)
	if n < 0 {
		return false
	}
	s.kind, s.nth = monthlyDay, n
	if len(p.words) > 0 && p.words[0] != "at" {
		d, ok := weekdayOf(p.next())
		s.kind, s.weekday = monthlyWeekday, d
		return ok
	}
	return n == 0 // the last day
}

func (p *parser) clock(s *Schedule) bool {
	t, err := time.Parse("15:04", p.next())
	s.hour, s.minute = t.Hour(), t.Minute()
	return err == nil
}

func (p *parser) from(s *Schedule) bool {
	date, clock, timed := strings.Cut(p.next(), "t")
	d, err := time.Parse(time.DateOnly, date)
	if err != nil || d.Year() < 1970 || d.Year() > 2199 {
		return false
	}
	s.from = civilOf(d)
	if !timed {
		return true
	}
	t, err := time.Parse("15:04", clock)
	s.atMinute = t.Hour()*60 + t.Minute()
	return err == nil && s.kind == interval
}

func (s Schedule) intervalText() string {
	switch {
	case s.every == 60:
		return "hourly"
	case s.every%60 == 0:
		return fmt.Sprintf("every %d hours", s.every/60)
	}
	return fmt.Sprintf("every %d minutes", s.every)
}

func dayNames(days uint8) string {
	names := make([]string, 0, bits.OnesCount8(days))
	for i := range 7 {
		d := time.Weekday((i + 1) % 7) // Monday first
		if days&(1<<d) != 0 {
			names = append(names, d.String())
		}
	}
	return strings.Join(names, ", ")
}
