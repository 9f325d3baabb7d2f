package schedule

import "time"

// occurrence is the first day, from a day on in a direction (1 or -1), on which
// a recurrence of days occurs. Days before from are returned too: the caller
// knows them.
func (s Schedule) occurrence(day civil, direction int) (civil, bool) {
	if direction > 0 && day < s.from {
		day = s.from
	}
	switch s.kind {
	case daily:
		return align(day, s.from, s.every, direction), true
	case weekly:
		return s.inWeek(day, direction), true
	}
	return s.inMonth(day, direction)
}

// align is the day of a grid that begins at from.
func align(day, from civil, every, direction int) civil {
	over := civil(floorMod(int(day-from), every))
	if direction < 0 || over == 0 {
		return day - over
	}
	return day + civil(every) - over
}

func floorMod(a, n int) int { return ((a % n) + n) % n }

// inWeek looks through the days of the weeks that count; weeks begin on Monday.
func (s Schedule) inWeek(day civil, direction int) civil {
	first := monday(s.from)
	for {
		week := align(monday(day), first, 7*s.every, direction)
		switch {
		case direction > 0 && week > day:
			day = week
		case direction < 0 && week+6 < day:
			day = week + 6
		}
		for d := day; d >= week && d <= week+6; d += civil(direction) {
			if s.days&(1<<d.weekday()) != 0 {
				return d
			}
		}
		if direction > 0 {
			day = week + 7
		} else {
			day = week - 1
		}
	}
}

func monday(d civil) civil { return d - civil((int(d.weekday())+6)%7) }

// maxMonths bounds the periods that are looked at for a day that not every
// month has: February has a 29th after eight years at the latest.
const maxMonths = 12 * 9

func (s Schedule) inMonth(day civil, direction int) (civil, bool) {
	y, m, _ := day.date()
	fy, fm, _ := s.from.date()
	start := fy*12 + int(fm) - 1
	for month, tries := y*12+int(m)-1, 0; tries < maxMonths; month, tries = month+direction, tries+1 {
		month = int(align(civil(month), civil(start), s.every, direction))
		d, ok := s.dayOf(month/12, time.Month(month%12+1))
		if ok && (direction > 0 && d >= day || direction < 0 && d <= day) {
			return d, true
		}
	}
	return 0, false
}

// dayOf is the day of a month on which the schedule occurs; false if the month
// has none.
func (s Schedule) dayOf(y int, m time.Month) (civil, bool) {
	first := civil(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	length := civil(time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Unix()/86400) - first
	if s.kind == monthlyDay {
		if s.nth == 0 {
			return first + length - 1, true
		}
		return first + civil(s.nth-1), civil(s.nth) <= length
	}
	if s.nth == 0 {
		end := first + length - 1
		return end - civil(floorMod(int(end.weekday()-s.weekday), 7)), true
	}
	return first + civil(floorMod(int(s.weekday-first.weekday()), 7)+7*(s.nth-1)), true
}

// nearInterval counts minutes from midnight of from, as they pass: the clocks
// that jump do not move it.
func (s Schedule) nearInterval(at time.Time, zone *time.Location, fits func(time.Time) bool, direction int) (time.Time, bool) {
	begin := s.from.at(s.atMinute/60, s.atMinute%60, 0, zone)
	step := time.Duration(s.every) * time.Minute
	switch {
	case at.Before(begin):
		return begin, direction > 0
	case at.Year() > 2200:
		return time.Time{}, false // beyond what a Duration spans
	}
	n := at.Sub(begin) / step
	for t := begin.Add((n - time.Duration(direction)) * step); ; t = t.Add(time.Duration(direction) * step) {
		switch {
		case t.Before(begin) && direction < 0:
			return time.Time{}, false
		case t.Before(begin):
			t = begin.Add(-step)
		case fits(t):
			return t, true
		}
	}
}
