package api

import (
	"time"

	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/osd/policy"
)

// Members is who is in a collection.
type Members struct {
	Collection string   `json:"collection"`
	Computers  []string `json:"computers"` // names
	// Updated is when a collection with an update schedule was updated last.
	Updated  time.Time            `json:"updated,omitzero"`
	Warnings []membership.Warning `json:"warnings,omitempty"`
}

// Order tells boxes something: it travels in their policy, and they carry it
// out once.
type Order struct {
	// Kind is resume or clearPXE.
	Kind string `json:"kind"`
	// Boxes are names; of clearPXE the boxes that serve the computers when left
	// out.
	Boxes []string `json:"boxes,omitempty"`
	// Computers are names or IDs, Collection a name: those to clear.
	Computers  []string `json:"computers,omitempty"`
	Collection string   `json:"collection,omitempty"`
}

// Ordered says whom an order goes to.
type Ordered struct {
	Boxes     []string  `json:"boxes"`     // names
	Computers []string  `json:"computers"` // names
	ExpiresAt time.Time `json:"expiresAt"`
}

// BoxReady says which advertised deployments a box could finish if its line
// were cut now.
type BoxReady struct {
	Box string `json:"box"`
	// Notes say what limits the answer, such as an older policy at the box.
	Notes       []string           `json:"notes,omitempty"`
	Deployments []policy.Readiness `json:"deployments"`
}
