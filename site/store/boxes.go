package store

import "time"

// Box is what the site knows of an enrolled box, beside its object.
type Box struct {
	ID string // of the Box object
	// Certificate is the SHA-256 of the DER of the one client certificate
	// that is good, in hexadecimal. Enrolling again replaces it.
	Certificate string
	StateID     string
	EnrolledAt  time.Time
	LastSeen    time.Time
	// SealingKey is the public key to which values are sealed for the box; nil for
	// one that enrolled before there was one.
	SealingKey []byte
	// CheckIn is the JSON of the last api.CheckIn; nil before the first.
	CheckIn []byte
}

// Boxes keeps the boxes that enrolled.
type Boxes interface {
	// Box finds an enrolled box by its ID; ErrNotFound.
	Box(id string) (Box, error)
	// BoxByCertificate finds the box that a client certificate is good for;
	// ErrNotFound, also for a certificate that was replaced.
	BoxByCertificate(sha256 string) (Box, error)
	// Boxes lists the enrolled boxes by ID.
	Boxes() ([]Box, error)
	// PutBox inserts or replaces a box.
	PutBox(b Box) error
	// DeleteBox forgets a box's enrolment and its tokens: its certificate is
	// good no longer. To forget an unknown box is no error.
	DeleteBox(id string) error
}

// Token is a one-time enrolment token; only its hash is kept.
type Token struct {
	Hash      string
	Box       string // ID
	ExpiresAt time.Time
}

// Tokens keeps enrolment tokens.
type Tokens interface {
	// PutToken keeps a token; earlier tokens of the box are void, also for who
	// used them.
	PutToken(t Token) error
	// UseToken marks a token as used by somebody and returns it, to the same one
	// also again. ErrNotFound when there is none of that hash, ErrConflict when
	// another one used it or it ended before now.
	UseToken(hash, by string, now time.Time) (Token, error)
}
