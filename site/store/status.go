package store

import (
	"time"

	"github.com/bootward/bootward/osd/status"
)

// Events counts what boxes sent.
type Events interface {
	// NextEvent is the first number that the site does not have of a box in
	// a state; 1 at the beginning.
	NextEvent(box, stateID string) (uint64, error)
	// SetNextEvent is called in the transaction that keeps the events.
	SetNextEvent(box, stateID string, next uint64) error
	// JobBox is the box that sent the first message of a job; ErrNotFound.
	JobBox(job string) (box string, err error)
}

// StoredMessage is a status message with its place in the site's order.
type StoredMessage struct {
	Sequence int64 // grows with arrival, from 1
	Box      string
	status.Message
}

// MessageFilter selects messages; empty fields select all.
type MessageFilter struct {
	Computer, Advertisement, Job string
	After                        int64 // messages with a larger Sequence
	Limit                        int   // 0 means 1000
}

// JobFilter selects jobs; empty fields select all.
type JobFilter struct {
	Computer, Advertisement, Job string
	// Since leaves out jobs that ended before it.
	Since time.Time
}

// StoredFlight is a flight event with its place in the site's order.
type StoredFlight struct {
	Sequence int64 // grows with arrival, from 1, without gaps
	Box      string
	status.FlightEvent
}

// Status keeps status messages and flight events.
type Status interface {
	// AddMessage keeps a message; one that is there (job, number) is left as
	// it is, without an error.
	AddMessage(box string, m status.Message) error
	// Messages lists in the order of arrival.
	Messages(f MessageFilter) ([]StoredMessage, error)
	// Jobs lists every job of which there is a message, the newest first.
	Jobs(f JobFilter) ([]status.Job, error)
	// Latest lists the newest job of each computer under each advertisement, in any order:
	// with Computer, Advertisement, Started, Seen and Ended alone. Of two that began in the
	// same nanosecond it is either.
	Latest() ([]status.Job, error)
	// AddFlight keeps a flight event. Of all boxes the newest million stays.
	AddFlight(box string, e status.FlightEvent) error
	// Flight lists the newest events of a client (normalised MAC; empty: of
	// all), oldest first, at most limit.
	Flight(client string, limit int) ([]status.FlightEvent, error)
	// FlightAfter lists those of all clients with a larger Sequence, in the order of
	// arrival, at most limit.
	FlightAfter(after int64, limit int) ([]StoredFlight, error)
	// Newest are the largest Sequence of a message and of a flight event; 0 where
	// there is none.
	Newest() (message, flight int64, err error)
}
