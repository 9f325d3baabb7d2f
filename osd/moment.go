package osd

import (
	"errors"
	"time"
)

// Moment is a point in time as people write it: RFC 3339 with its zone, or a
// local time such as 2026-12-01T18:00 that is read in a zone given elsewhere.
// The empty Moment is none.
type Moment string

// momentForms are the notations of a Moment; the first has its own zone.
var momentForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// ErrMoment is what In returns for text that is no point in time.
var ErrMoment = errors.New("give a time such as 2026-12-01T18:00:00Z, or 2026-12-01T18:00 in the time zone of the object")

// In is the point in time; the zero time for the empty Moment.
func (m Moment) In(zone *time.Location) (time.Time, error) {
	if m == "" {
		return time.Time{}, nil
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, string(m), zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, ErrMoment
}

// zoneOf is the time zone of a name of the IANA database; UTC for the empty one
// and for one that is not known, which Validate has refused.
func zoneOf(name string) *time.Location {
	if z, err := time.LoadLocation(name); err == nil {
		return z
	}
	return time.UTC
}

func checkZone(field, name string) []error {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return []error{&FieldError{field, name, "give a name of the IANA time zone database, such as Europe/London, or leave it out for UTC"}}
	}
	return nil
}
