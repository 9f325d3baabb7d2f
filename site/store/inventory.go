package store

import (
	"time"

	"github.com/bootward/bootward/osd/policy"
)

// Inventories keeps what computers said of themselves.
type Inventories interface {
	// Inventories lists the JSON of every inventory.Record, by ID of the computer.
	Inventories() (map[string][]byte, error)
	// PutInventory keeps that of a computer in place of the one before.
	PutInventory(computer string, record []byte) error
	// DeleteInventory forgets it; that of an unknown computer is no error.
	DeleteInventory(computer string) error
}

// Frozen is who fitted the queries of a collection with an update schedule.
type Frozen struct {
	Collection string // ID
	At         time.Time
	Members    []string // IDs of computers
}

// FrozenCollections keeps the last update of collections with a schedule.
type FrozenCollections interface {
	// FrozenCollections lists all, by ID of the collection.
	FrozenCollections() (map[string]Frozen, error)
	// PutFrozen keeps one in place of the one before.
	PutFrozen(f Frozen) error
	// DeleteFrozen forgets one; an unknown collection is no error.
	DeleteFrozen(collection string) error
}

// Order is what an administrator told a box.
type Order struct {
	policy.Order
	Box string // ID
}

// Orders keeps what boxes were told.
type Orders interface {
	// Orders lists those of a box that end after a time, in the order in which
	// they were added.
	Orders(box string, after time.Time) ([]Order, error)
	// AddOrder keeps one; ErrConflict when its ID exists.
	AddOrder(o Order) error
}

// Changes counts the transactions that changed something: who holds a copy of
// what the database says can tell whether it is still true.
type Changes interface {
	// Change is the number of the last change.
	Change() (uint64, error)
	// NoteChange takes the next number.
	NoteChange() error
}
