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

// Credential is what proves who a person is.
type Credential struct {
	// Hash is that of a bearer token, or the SHA-256 of a certificate's DER in
	// hexadecimal.
	Hash   string
	Kind   string // CredentialToken or CredentialCertificate
	Person string // name
	// ExpiresAt is zero for one that does not end.
	ExpiresAt time.Time
	// Serial is the number of a certificate, in hexadecimal as openssl prints it.
	Serial string
	// MadeAt and MadeBy say when it was made and who asked for it; zero and empty
	// for one from before that was kept.
	MadeAt time.Time
	MadeBy string
}

// The kinds of credentials.
const (
	CredentialToken       = "token"
	CredentialCertificate = "certificate"
)

// Credentials keeps what proves who persons are.
type Credentials interface {
	// AddCredential keeps one; ErrConflict when the hash exists.
	AddCredential(c Credential) error
	// Credential finds one by its hash; ErrNotFound, also for one that ended
	// before now.
	Credential(hash string, now time.Time) (Credential, error)
	// Credentials lists all, by person and hash, also those that ended.
	Credentials() ([]Credential, error)
	// DeleteCredentials forgets those of a person: of a kind, or all when kind is
	// empty. To forget none is no error.
	DeleteCredentials(person, kind string) error
}

// Secret is a value that is sealed to the site's key.
type Secret struct {
	Kind   string // of osd/policy: SealedSecret, SealedPIN, SealedPassword
	Object string // ID of the Secret, the Person or the Box
	// Revision grows with each new value, from 1.
	Revision int64
	Sealed   []byte
}

// BoxSecret is a value that is sealed to the key of one box in one state.
type BoxSecret struct {
	Secret
	Box     string // ID
	StateID string
}

// Secrets keeps sealed values.
type Secrets interface {
	// Secrets lists all, by kind and object.
	Secrets() ([]Secret, error)
	// PutSecret keeps a value in place of the one before.
	PutSecret(s Secret) error
	// DeleteSecret forgets a value, also what was sealed of it to boxes. To forget
	// one that is not there is no error.
	DeleteSecret(kind, object string) error
	// BoxSecrets lists what was sealed to a box, by kind and object.
	BoxSecrets(box string) ([]BoxSecret, error)
	// PutBoxSecret keeps one in place of the one before.
	PutBoxSecret(s BoxSecret) error
}
