package api

import "time"

// Distribute assigns the content of a Package, Image or BootImage to boxes, or
// takes it away from them.
type Distribute struct {
	Boxes []string `json:"boxes,omitempty"` // names or IDs
	// All is every box, also those that come later.
	All    bool `json:"all,omitempty"`
	Remove bool `json:"remove,omitempty"`
}

// Distributed is what content is assigned to now.
type Distributed struct {
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Boxes []string `json:"boxes"`
	Notes []string `json:"notes,omitempty"`
}

// The states of content at a box.
const (
	ContentComplete = "complete"
	ContentMissing  = "missing" // the box said at its last check-in that it does not hold all of it
	ContentUnknown  = "unknown" // the box never checked in
	ContentNone     = "none"    // nothing was imported yet
)

// ContentStatus says which boxes hold the content of one object.
type ContentStatus struct {
	Kind     string         `json:"kind"`
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Manifest string         `json:"manifest,omitempty"`
	Bytes    int64          `json:"bytes"`
	Boxes    []ContentAtBox `json:"boxes"`
}

// ContentAtBox is the content of one object at one box that is to hold it.
type ContentAtBox struct {
	Box string `json:"box"` // name
	// Assigned content stays whether it is used or not; UsedBy names the
	// advertisements that need it here.
	Assigned bool     `json:"assigned"`
	UsedBy   []string `json:"usedBy,omitempty"`
	State    string   `json:"state"`
	// Copied is when it became whole at the box, as far as the box said it.
	Copied time.Time `json:"copied,omitzero"`
	// LastSeen is when the box checked in last.
	LastSeen time.Time `json:"lastSeen,omitzero"`
}
