package store

import (
	"time"

	"github.com/bootward/bootward/osd/policy"
)

// Grant is the permission for one destructive run, with the box that may
// spend it.
type Grant struct {
	policy.Grant
	// Box is the ID of the box that serves the computer.
	Box string
	// Envelope is the signed form; nil while the grant is unbound, which is
	// until the box has enrolled. A bound grant is never bound again.
	Envelope []byte
	// UsedAt is when a box reported that it was claimed; zero if none did, or
	// if it was given back.
	UsedAt time.Time
}

// GrantFilter selects grants; empty fields select all.
type GrantFilter struct {
	Box, Advertisement, Computer string // IDs
}

// Grants keeps every grant that was ever issued.
type Grants interface {
	// Grants lists in the order in which they were added.
	Grants(f GrantFilter) ([]Grant, error)
	// AddGrant keeps a new, unbound grant; ErrConflict when its ID exists.
	AddGrant(g Grant) error
	// BindGrant sets the state ID and the envelope of an unbound grant;
	// ErrConflict when it is bound, ErrNotFound.
	BindGrant(id, stateID string, envelope []byte) error
	// SetGrantUsed notes when a grant was claimed; the zero time means that it
	// was given back. ErrNotFound, also for a grant of another box.
	SetGrantUsed(id, box string, at time.Time) error
}
