package sequence

import "github.com/bootward/bootward/osd"

// Duration is a span of time in the notation of Go: 90s, 15m, 1h30m.
type Duration = osd.Duration
