package store

import "time"

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	Number int64 // given by the store, from 1
	Time   time.Time
	Who    string
	What   string // a stable word such as apply, grant, enrol
	Object string
	Text   string
}

// Audit is the append-only audit log: there is no way to change or remove
// an entry.
type Audit interface {
	AddAudit(e AuditEntry) error
	// AuditLog lists entries with a number larger than after, at most limit.
	AuditLog(after int64, limit int) ([]AuditEntry, error)
}

// Policy is the newest policy of a box.
type Policy struct {
	Box           string
	Epoch, Number uint64
	// Digest is that of the content, without number and times.
	Digest   string
	IssuedAt time.Time
	Envelope []byte
}

// Policies keeps the newest policy of each box and the numbers.
type Policies interface {
	// Policy is the newest of a box; ErrNotFound.
	Policy(box string) (Policy, error)
	PutPolicy(p Policy) error
	// Epoch is 1 in a new database.
	Epoch() (uint64, error)
	// RaiseEpoch is called by a restore; it returns the new epoch.
	RaiseEpoch() (uint64, error)
	// NextPolicyNumber takes the next number of the current epoch.
	NextPolicyNumber() (uint64, error)
}

// Administrators keeps who may sign in.
type Administrators interface {
	// AddAdministrator keeps a person and the hash of the bearer token;
	// ErrConflict when the name or the hash exists.
	AddAdministrator(name, tokenHash string) error
	// AdministratorByToken returns the person's name; ErrNotFound.
	AdministratorByToken(tokenHash string) (string, error)
}
