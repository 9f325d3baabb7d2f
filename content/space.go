package content

import (
	"errors"
	"fmt"
)

// SpaceError says that a file system is too full.
type SpaceError struct {
	// Directory is where there was no room.
	Directory string
	// Needed and Free are bytes. Needed counts what was still to be written
	// and what is to stay free; it is the least when the rest is not known.
	Needed, Free int64
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("content store %s: no space: %s needed, %s free: assign less content to this machine or give it a larger disk",
		e.Directory, mebibytes(e.Needed), mebibytes(e.Free))
}

// mebibytes rounds up, so that what is needed is never shown as too little.
func mebibytes(n int64) string {
	return fmt.Sprintf("%d MiB", (max(n, 0)+1<<20-1)>>20)
}

// FreeBytes is how much content may still be stored, Reserve left out.
func (d *Directory) FreeBytes() (int64, error) {
	free, err := freeBytes(d.root)
	return max(free-d.Reserve, 0), err
}

// room fails if fewer than n bytes may still be stored.
func (d *Directory) room(n int64) error {
	free, err := freeBytes(d.root)
	if err != nil {
		return err
	}
	if n > 0 && n+d.Reserve > free {
		return &SpaceError{Directory: d.root, Needed: n + d.Reserve, Free: free}
	}
	return nil
}

// explainSpace puts a SpaceError in the place of the system's. n is what was
// still to be written.
func (d *Directory) explainSpace(err error, n int64) error {
	var known *SpaceError
	if !isNoSpace(err) || errors.As(err, &known) {
		return err
	}
	free, freeErr := freeBytes(d.root)
	return errors.Join(&SpaceError{Directory: d.root, Needed: n + d.Reserve, Free: free}, freeErr)
}
