package store

import "github.com/bootward/bootward/osd"

// Object is one object of the site.
type Object struct {
	Kind osd.Kind
	ID   string // such as CEN0000A; never changes
	Name string // unique in its kind
	// Document is the JSON of the object; that of a task sequence is its
	// canonical form.
	Document []byte
}

// Objects keeps what administrators apply.
type Objects interface {
	// Object finds an object by name, else by ID; ErrNotFound.
	Object(kind osd.Kind, nameOrID string) (Object, error)
	// Objects lists a kind by name.
	Objects(kind osd.Kind) ([]Object, error)
	// PutObject inserts the object or replaces the one with its ID;
	// ErrConflict when the name is taken by another of the kind.
	PutObject(o Object) error
	// DeleteObject removes an object by its ID; ErrNotFound.
	DeleteObject(id string) error
	// NextID takes the next ID of the site: code and five hexadecimal
	// digits. An ID is never given twice.
	NextID(code string) (string, error)
}
