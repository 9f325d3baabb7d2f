package schedule

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones on machines without them
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestLastAndNext(t *testing.T) {
	for _, tt := range []struct {
		text, zone, at, last, next string
	}{
		{"2026-12-01T18:00:00Z", "UTC", "2026-12-01T18:00:00Z", "2026-12-01T18:00:00Z", ""},
		{"2026-12-01T18:00:00Z", "UTC", "2026-12-01T17:59:59Z", "", "2026-12-01T18:00:00Z"},
		{"2026-07-01 18:00", "Europe/London", "2026-07-01T17:00:00Z", "2026-07-01T17:00:00Z", ""},
		{"2026-12-01t18:00:05+01:00", "UTC", "2026-01-01T00:00:00Z", "", "2026-12-01T17:00:05Z"},
		{"hourly", "UTC", "0001-01-01T00:00:00Z", "", "1970-01-01T00:00:00Z"},
		{"every 4 hours from 1970-01-01T02:00", "UTC", "2026-06-01T07:00:00Z", "2026-06-01T06:00:00Z", "2026-06-01T10:00:00Z"},
		{"daily at 02:00", "UTC", "0001-01-01T00:00:00Z", "", "1970-01-01T02:00:00Z"},
		{"every 12 months on 29 at 03:00 from 2096-02-01", "UTC", "2099-01-01T00:00:00Z", "2096-02-29T03:00:00Z", "2104-02-29T03:00:00Z"},
		{"hourly", "UTC", "2026-06-01T12:30:00Z", "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z"},
		{"every 15 minutes", "UTC", "2026-06-01T12:30:00Z", "2026-06-01T12:30:00Z", "2026-06-01T12:45:00Z"},
		{"every 4 hours from 2026-06-01T02:00", "UTC", "2026-06-01T01:00:00Z", "", "2026-06-01T02:00:00Z"},
		{"every 4 hours from 2026-06-01T02:00", "UTC", "2026-06-01T07:00:00Z", "2026-06-01T06:00:00Z", "2026-06-01T10:00:00Z"},
		{"daily at 02:00", "UTC", "2026-06-01T01:59:00Z", "2026-05-31T02:00:00Z", "2026-06-01T02:00:00Z"},
		{"daily at 02:00", "America/New_York", "2026-06-01T05:59:00Z", "2026-05-31T06:00:00Z", "2026-06-01T06:00:00Z"},
		{"every 3 days at 02:00 from 2026-06-01", "UTC", "2026-06-03T00:00:00Z", "2026-06-01T02:00:00Z", "2026-06-04T02:00:00Z"},
		{"every 3 days at 02:00 from 2026-06-01", "UTC", "2026-05-01T00:00:00Z", "", "2026-06-01T02:00:00Z"},
		{"weekly on Monday, thu at 18:30", "UTC", "2026-06-02T00:00:00Z", "2026-06-01T18:30:00Z", "2026-06-04T18:30:00Z"},
		{"weekly on Sunday at 00:00", "UTC", "2026-06-07T00:00:00Z", "2026-06-07T00:00:00Z", "2026-06-14T00:00:00Z"},
		{"every 2 weeks on Monday at 18:30 from 2026-06-01", "UTC", "2026-06-10T00:00:00Z", "2026-06-01T18:30:00Z", "2026-06-15T18:30:00Z"},
		{"monthly on 31 at 03:00", "UTC", "2026-06-15T00:00:00Z", "2026-05-31T03:00:00Z", "2026-07-31T03:00:00Z"},
		{"monthly on last at 03:00", "UTC", "2026-02-28T04:00:00Z", "2026-02-28T03:00:00Z", "2026-03-31T03:00:00Z"},
		{"monthly on second Tuesday at 03:00", "UTC", "2026-06-09T03:00:00Z", "2026-06-09T03:00:00Z", "2026-07-14T03:00:00Z"},
		{"monthly on last Friday at 03:00", "UTC", "2026-06-01T00:00:00Z", "2026-05-29T03:00:00Z", "2026-06-26T03:00:00Z"},
		{"every 12 months on 29 at 03:00 from 2024-02-29", "UTC", "2026-06-01T00:00:00Z", "2024-02-29T03:00:00Z", "2028-02-29T03:00:00Z"},
		// The clocks jump from 01:00 to 02:00 UTC+1 on 2026-03-29, and back on 2026-10-25.
		{"daily at 01:30", "Europe/London", "2026-03-29T00:59:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"},
		{"2026-03-29T01:30", "Europe/London", "2026-01-01T00:00:00Z", "", "2026-03-29T01:00:00Z"},
		{"2026-10-25T01:30:20", "Europe/London", "2026-01-01T00:00:00Z", "", "2026-10-25T00:30:20Z"},
		{"daily at 01:30", "Europe/London", "2026-10-25T03:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"daily at 02:30", "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"},
		{"daily at 02:00", "UTC", "1970-01-01T00:00:00Z", "", "1970-01-01T02:00:00Z"},
		{"daily at 02:00", "UTC", "2099-12-31T23:00:00Z", "2099-12-31T02:00:00Z", "2100-01-01T02:00:00Z"},
	} {
		s, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]struct {
			do   func(time.Time, *time.Location) (time.Time, bool)
			want string
		}{"last": {s.Last, tt.last}, "next": {s.Next, tt.next}} {
			got, ok := f.do(at, zone(t, tt.zone))
			text := ""
			if ok {
				text = got.UTC().Format(time.RFC3339)
			}
			if text != f.want {
				t.Errorf("%s in %s, %s of %s: %q, want %q", tt.text, tt.zone, name, tt.at, text, f.want)
			}
		}
	}
}

var recurrences = []string{"hourly", "every 7 minutes", "daily at 01:30", "every 5 days at 02:30", "weekly on Mon, Sun at 01:30", "every 3 weeks on Sat at 23:59",
	"monthly on 30 at 02:30", "monthly on last at 00:00", "every 5 months on fourth Sunday at 01:30"}

// TestNeighbours: what Next finds is what Last finds there, and nothing lies
// between two occurrences, through years of clocks that jump.
func TestNeighbours(t *testing.T) {
	for _, text := range recurrences {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"} {
			z := zone(t, name)
			at := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
			for range 400 {
				next, ok := s.Next(at, z)
				if !ok || !next.After(at) {
					t.Fatalf("%s in %s: next of %s is %s", text, name, at, next)
				}
				if back, ok := s.Last(next, z); !ok || !back.Equal(next) {
					t.Fatalf("%s in %s: last of %s is %s", text, name, next, back)
				}
				if before, ok := s.Last(next.Add(-time.Second), z); ok && before.After(at) {
					t.Fatalf("%s in %s: %s lies between %s and %s", text, name, before, at, next)
				}
				at = next
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "soon", "daily", "daily at 25:00", "every 0 days at 01:00", "every 99999 days at 01:00", "weekly at 01:00", "weekly on Someday at 01:00",
		"monthly on 32 at 01:00", "monthly on first at 01:00", "monthly on fifth Monday at 01:00", "daily at 01:00 from yesterday", "daily at 01:00 and more",
		"every 12 months on 30 at 01:00 from 2026-02-01", "daily at 01:00" + strings.Repeat(" ", 300) + "from 2026-01-01",
		"daily at 01:00 from 2026-01-01T02:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z"} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}

func TestWindow(t *testing.T) {
	s, err := Parse("daily at 22:00")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{"2026-06-01T21:59:59Z": "", "2026-06-01T22:00:00Z": "2026-06-02T06:00:00Z", "2026-06-02T05:59:59Z": "2026-06-02T06:00:00Z", "2026-06-02T06:00:00Z": ""} {
		now, _ := time.Parse(time.RFC3339, at)
		end, open := Window(now, s, 8*time.Hour, time.UTC)
		if got := end.Format(time.RFC3339); open != (want != "") || open && got != want {
			t.Errorf("%s: %s, %v", at, got, open)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range append(recurrences, "2026-12-01T18:00:00Z", "2026-12-01 18:00", "every 4 hours from 1970-01-01T02:00", "every 4 hours from 2026-06-01T02:00", "monthly on 1 at 03:00 from 2026-06-01") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again != s {
			t.Errorf("%q became %q: %+v, %+v, %v", text, s, s, again, err)
		}
		at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		if last, ok := s.Last(at, time.UTC); ok && last.After(at) {
			t.Errorf("%q: last of %s is %s", text, at, last)
		}
		if next, ok := s.Next(at, time.UTC); ok && !next.After(at) {
			t.Errorf("%q: next of %s is %s", text, at, next)
		}
	})
}

func BenchmarkLast(b *testing.B) {
	z := zone(b, "Europe/London")
	s, err := Parse("every 5 months on fourth Sunday at 01:30")
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2099, 6, 1, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		if _, ok := s.Last(at, z); !ok {
			b.Fatal("never")
		}
	}
}
