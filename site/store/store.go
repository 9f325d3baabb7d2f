// Package store says what the site needs of its database: objects, boxes,
// grants, status, the audit log and the numbers that only grow.
//
// It holds the interfaces and the records; implementations are sub-packages
// (store/sqlite), and every one passes the suite of store/storetest. It knows
// nothing of HTTP, keys or documents: an object is a kind, an ID, a name and
// opaque JSON.
package store

import (
	"context"
	"errors"
)

// ErrNotFound is what a look-up returns when there is no such record.
var ErrNotFound = errors.New("not found")

// ErrConflict is what a write returns when it stands against a record that
// exists: a name that is taken, a token that was used, a grant that is bound.
var ErrConflict = errors.New("conflict")

// Store is the site's database. All methods may be called concurrently.
type Store interface {
	// Read runs f on one consistent state. f must not write.
	Read(ctx context.Context, f func(Tx) error) error
	// Write runs f in one transaction: everything that it wrote is on disk
	// when Write returns nil, nothing of it when Write returns an error.
	// Writes are serial: f sees all that was committed before.
	Write(ctx context.Context, f func(Tx) error) error
	// Backup writes a consistent copy of the database to a file that does
	// not exist yet.
	Backup(ctx context.Context, file string) error
	Close() error
}

// Tx is a transaction. It is good only inside the function that got it and
// must not be used by two goroutines at once.
type Tx interface {
	Objects
	Boxes
	Tokens
	Grants
	Events
	Status
	Audit
	Policies
	Credentials
	Secrets
	Inventories
	FrozenCollections
	Orders
	Changes
}
