package status

// Event is one entry of the stream of events, of which reports, consoles and lists
// are views. Exactly one of its pointers is set.
type Event struct {
	Box      string       `json:"box,omitempty"` // name
	Status   *Message     `json:"status,omitempty"`
	Flight   *FlightEvent `json:"flight,omitempty"`
	Progress *Progress    `json:"progress,omitempty"`
}

// Names of events in the stream (docs/formats/events.md).
const (
	EventReady    = "ready"    // the first: its id is where the stream begins
	EventStatus   = "status"   // a status message
	EventFlight   = "flight"   // an entry of the flight recorder
	EventProgress = "progress" // how far a running step is; of a box only, never stored
	EventLost     = "lost"     // events behind the id that was given are not kept any more
)

// Name is that of the event.
func (e Event) Name() string {
	switch {
	case e.Status != nil:
		return EventStatus
	case e.Progress != nil:
		return EventProgress
	}
	return EventFlight
}
