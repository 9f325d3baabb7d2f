package api

import (
	"time"

	"github.com/bootward/bootward/osd"
)

// Upcoming is a mandatory run that a running client has before it: what people
// are reminded of.
type Upcoming struct {
	Advertisement string `json:"advertisement"` // ID
	Name          string `json:"name"`
	// Text is what people are told beside the name: the advertisement's comment.
	Text string `json:"text,omitempty"`
	// At is the time of the assignment.
	At        time.Time      `json:"at"`
	Countdown osd.Duration   `json:"countdown,omitzero"`
	Reminders []osd.Duration `json:"reminders,omitempty"`
}
