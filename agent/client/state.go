package client

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
)

// State is what the client does not forget when it, or the machine, starts again.
type State struct {
	Format int `json:"format"` // 1
	// Boot is the start of the kernel that Sessions are of: their names begin anew
	// with each.
	Boot     string   `json:"boot,omitempty"`
	Sessions []string `json:"sessions,omitempty"`
	// Due are the mandatory runs that were announced and not begun.
	Due []Due `json:"due,omitempty"`
	// Told are the notices that people got, with the time of the run.
	Told map[string]time.Time `json:"told,omitempty"`
}

// Due is a mandatory run that begins at a time.
type Due struct {
	Offer api.Offer `json:"offer"`
	// Event is osd.AtLogon or osd.AtLogoff if that made it due.
	Event string    `json:"event,omitempty"`
	At    time.Time `json:"at"`
}

// load reads the state; one that is missing or damaged is an empty one: then
// people are told once more, and what is due is offered again.
func load(path string) (State, error) {
	fresh := State{Format: 1, Told: map[string]time.Time{}}
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return fresh, nil
	}
	s := fresh
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err == nil && s.Format != 1 {
		err = fmt.Errorf("format %d, this client reads format 1", s.Format)
	}
	if err != nil {
		return fresh, fmt.Errorf("state of the client: %w", err)
	}
	if s.Told == nil {
		s.Told = fresh.Told
	}
	return s, nil
}

func (s State) save(path string) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("state of the client: %w", err)
	}
	if err := durable.Write(path, raw, 0o600); err != nil {
		return fmt.Errorf("state of the client: %w", err)
	}
	return nil
}
