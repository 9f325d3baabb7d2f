package api

import (
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/computercsv"
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
	// Kind is resume, clearPXE, retry or wake.
	Kind string `json:"kind"`
	// Boxes are names; of clearPXE, retry and wake the boxes that serve the computers when left
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

// ComputerImport imports computers from CSV (docs/formats/computers-csv.md).
type ComputerImport struct {
	File string `json:"file"` // for messages
	CSV  string `json:"csv"`
	// Columns names them where the file has no header.
	Columns []string `json:"columns,omitempty"`
	// Collection gets every computer as a direct member, Box serves those that
	// name none.
	Collection string `json:"collection,omitempty"`
	Box        string `json:"box,omitempty"`
	// SkipBad imports the good rows although others are bad.
	SkipBad bool `json:"skipBad,omitempty"`
	DryRun  bool `json:"dryRun,omitempty"`
}

// ComputerImported is what an import did, or would do.
type ComputerImported struct {
	Rows      int      `json:"rows"`
	Columns   []string `json:"columns"` // what each was taken for
	Created   int      `json:"created"`
	Updated   int      `json:"updated"`
	Unchanged int      `json:"unchanged"`
	DryRun    bool     `json:"dryRun"`
	// Refused says that nothing was imported, because rows are bad.
	Refused bool `json:"refused,omitempty"`
	// Preview are the first computers as they were understood.
	Preview []osd.Computer        `json:"preview,omitempty"`
	Bad     []computercsv.Problem `json:"bad,omitempty"`
	Notes   []string              `json:"notes,omitempty"`
}
