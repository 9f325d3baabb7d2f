package osd

import (
	"fmt"
	"time"
)

// Duration is a span of time in the notation of Go: 90s, 15m, 1h30m.
type Duration time.Duration

// UnmarshalText reads the notation; negative spans are refused.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration; give one such as 90s, 15m or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the notation.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// IsZero says whether no time is given.
func (d Duration) IsZero() bool { return d == 0 }
