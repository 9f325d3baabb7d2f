package osd

import (
	"fmt"
	"slices"
)

// AllBoxes stands for every box of the site, also those that come later.
const AllBoxes = "*"

// Distribution says which boxes keep an object's content, whether an
// advertisement uses it or not (guide, tables 11 to 13: "add to distribution points").
type Distribution struct {
	// Boxes are names; AllBoxes stands for every one.
	Boxes []string `json:"boxes,omitempty" yaml:"boxes,omitempty"`
}

// AssignedTo says whether a box keeps the content unasked.
func (d Distribution) AssignedTo(box string) bool {
	return slices.Contains(d.Boxes, AllBoxes) || slices.Contains(d.Boxes, box)
}

func (d Distribution) validate() []error {
	var errs []error
	for i, n := range d.Boxes {
		field := fmt.Sprintf("boxes[%d]", i)
		switch {
		case n == "":
			errs = append(errs, &FieldError{field, n, "name a box, or * for all"})
		case slices.Index(d.Boxes, n) != i:
			errs = append(errs, &FieldError{field, n, "is there twice; name each box once"})
		case n == AllBoxes && len(d.Boxes) > 1:
			errs = append(errs, &FieldError{field, n, "* is every box: leave the other names out"})
		}
	}
	return errs
}
