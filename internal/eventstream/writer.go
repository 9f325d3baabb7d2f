// Package eventstream writes and reads server-sent events (WHATWG HTML, section
// 9.2): the events of a site or a box, over plain HTTP.
//
// It keeps nothing: where events come from, and from which one a reader goes on,
// is the caller's to know. A reader that takes nothing for too long is dropped.
package eventstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Media is the media type of a stream.
const Media = "text/event-stream"

// LastID is the header in which a reader says which event it had last.
const LastID = "Last-Event-ID"

// Beat is how often a stream that has nothing to tell says that it is there.
const Beat = 15 * time.Second

// Event is one event. ID is where a reader can go on behind it, that of an earlier
// event where this one has none.
type Event struct {
	ID   string
	Name string
	Data []byte // of Read; JSON
}

// Writer sends events to one reader.
type Writer struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

// NewWriter begins a stream. A reader that takes nothing for the time of patience is
// given up: Send and Comment return an error.
func NewWriter(w http.ResponseWriter, patience time.Duration) (*Writer, error) {
	s := &Writer{w: w, control: http.NewResponseController(w), patience: patience}
	if err := s.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("event stream: %w", err)
	}
	w.Header().Set("Content-Type", Media)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies that are told so do not hold events back
	w.WriteHeader(http.StatusOK)
	return s, s.Comment("bootward")
}

// Send sends an event with data as JSON; Flush lets it go.
func (s *Writer) Send(id, name string, data any) error {
	raw, err := json.Marshal(data) // one line: JSON escapes line ends
	if err != nil {
		return fmt.Errorf("event %s: %w", name, err)
	}
	var b strings.Builder
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, raw)
	return s.write(b.String())
}

// Comment sends a line that readers pass over: it keeps the connection alive.
func (s *Writer) Comment(text string) error {
	if err := s.write(": " + text + "\n\n"); err != nil {
		return err
	}
	return s.Flush()
}

// Mark tells the reader his place, without an event: what lies before it was not for
// him. It keeps the connection alive too.
func (s *Writer) Mark(id string) error {
	if err := s.write(": beat\nid: " + id + "\n\n"); err != nil {
		return err
	}
	return s.Flush()
}

func (s *Writer) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("event stream: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("event stream: the reader takes nothing: %w", err)
	}
	return nil
}

// Flush sends what was written.
func (s *Writer) Flush() error {
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("event stream: the reader takes nothing: %w", err)
	}
	return nil
}
