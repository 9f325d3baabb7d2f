// Package schedule says when something happens once or recurs: assignments of
// advertisements, updates of collections, maintenance windows (guide, tables 18,
// 19 and 43). It is pure: zone and time are handed in. Notation:
// docs/formats/schedule.md.
package schedule

import (
	"fmt"
	"strings"
	"time"
)

// Schedule is a point in time, or a recurrence. The zero value never occurs.
type Schedule struct {
	kind     kind
	every    int          // minutes, days, weeks or months between occurrences
	days     uint8        // weekly: bit 0 is Sunday
	nth      int          // monthly: day of the month, or 1 to 4 for a weekday; 0 is the last
	weekday  time.Weekday // monthlyWeekday
	hour     int
	minute   int
	from     civil  // the recurrence is counted from here; the zero value is 1970-01-01
	once     string // once: as it was written, in upper case with a T
	atMinute int    // interval: minutes behind midnight of from
}

type kind int

const (
	never kind = iota
	once
	interval
	daily
	weekly
	monthlyDay
	monthlyWeekday
)

// civil is a date without a zone, as the number of days since 1970-01-01.
type civil int

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (c civil) date() (int, time.Month, int) {
	return time.Unix(int64(c)*86400, 0).UTC().Date()
}

// at is a time of day on the date. One that does not exist, because the clocks
// jump, is the moment of the jump; of one that exists twice it is the first.
func (c civil) at(hour, minute, second int, zone *time.Location) time.Time {
	y, m, d := c.date()
	t := time.Date(y, m, d, hour, minute, second, 0, zone)
	if t.Hour() != hour || t.Minute() != minute {
		return jump(t, zone)
	}
	if start, _ := t.ZoneBounds(); !start.IsZero() {
		_, was := start.Add(-time.Nanosecond).Zone()
		_, is := t.Zone()
		if back := time.Duration(was-is) * time.Second; back > 0 && t.Sub(start) < back {
			return t.Add(-back)
		}
	}
	return t
}

// jump finds the moment at which the clocks jump near t.
func jump(t time.Time, zone *time.Location) time.Time {
	start, end := t.In(zone).ZoneBounds()
	if !start.IsZero() && t.Sub(start).Abs() <= end.Sub(t).Abs() || end.IsZero() {
		return start
	}
	return end
}

func (c civil) weekday() time.Weekday { return time.Weekday(((int(c)+4)%7 + 7) % 7) }

// Once says whether it occurs one time only.
func (s Schedule) Once() bool { return s.kind == once }

// IsZero says whether it never occurs.
func (s Schedule) IsZero() bool { return s.kind == never }

// Last is the newest occurrence that is not after at; false if there is none.
func (s Schedule) Last(at time.Time, zone *time.Location) (time.Time, bool) {
	return s.near(at, zone, func(t time.Time) bool { return !t.After(at) }, -1)
}

// Next is the first occurrence after a time; false if none comes.
func (s Schedule) Next(after time.Time, zone *time.Location) (time.Time, bool) {
	return s.near(after, zone, func(t time.Time) bool { return t.After(after) }, 1)
}

// near looks for the occurrence nearest to at, in a direction, that fits.
func (s Schedule) near(at time.Time, zone *time.Location, fits func(time.Time) bool, direction int) (time.Time, bool) {
	switch s.kind {
	case never:
		return time.Time{}, false
	case once:
		t, err := moment(s.once, zone)
		return t, err == nil && fits(t)
	case interval:
		return s.nearInterval(at, zone, fits, direction)
	}
	// One day on the wrong side: the occurrence of a day may lie before or
	// behind the time of day of at.
	day := civilOf(at.In(zone)) - civil(direction)
	for range 3 {
		found, ok := s.occurrence(day, direction)
		if !ok || found < s.from {
			return time.Time{}, false
		}
		if t := found.at(s.hour, s.minute, 0, zone); fits(t) {
			return t, true
		}
		day = found + civil(direction)
	}
	return time.Time{}, false
}

// Window says whether at lies in the time of length that begins with an
// occurrence of start, and when that ends.
func Window(at time.Time, start Schedule, length time.Duration, zone *time.Location) (end time.Time, open bool) {
	begin, ok := start.Last(at, zone)
	if !ok || !at.Before(begin.Add(length)) {
		return time.Time{}, false
	}
	return begin.Add(length), true
}

// MarshalText writes the canonical notation.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the notation of Parse.
func (s *Schedule) UnmarshalText(b []byte) (err error) {
	*s, err = Parse(string(b))
	return err
}

// String is the canonical notation, which Parse reads back.
func (s Schedule) String() string {
	clock := fmt.Sprintf(" at %02d:%02d", s.hour, s.minute)
	var b strings.Builder
	switch s.kind {
	case once:
		return s.once
	case interval:
		b.WriteString(s.intervalText())
	case daily:
		b.WriteString(period(s.every, "daily", "days") + clock)
	case weekly:
		b.WriteString(period(s.every, "weekly", "weeks") + " on " + dayNames(s.days) + clock)
	case monthlyDay:
		day := fmt.Sprint(s.nth)
		if s.nth == 0 {
			day = "last"
		}
		b.WriteString(period(s.every, "monthly", "months") + " on " + day + clock)
	case monthlyWeekday:
		b.WriteString(period(s.every, "monthly", "months") + " on " + ordinals[s.nth] + " " + s.weekday.String() + clock)
	}
	if s.from != 0 || s.atMinute != 0 {
		y, m, d := s.from.date()
		fmt.Fprintf(&b, " from %04d-%02d-%02d", y, int(m), d)
		if s.atMinute != 0 {
			fmt.Fprintf(&b, "T%02d:%02d", s.atMinute/60, s.atMinute%60)
		}
	}
	return b.String()
}

// ordinals name the nth weekday of a month; 0 is the last.
var ordinals = [5]string{"last", "first", "second", "third", "fourth"}

func period(every int, one, many string) string {
	if every == 1 {
		return one
	}
	return fmt.Sprintf("every %d %s", every, many)
}
