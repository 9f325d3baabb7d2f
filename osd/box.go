package osd

import (
	"errors"
	"fmt"
	"slices"
)

// Box is an appliance as the site knows it.
type Box struct {
	Meta `yaml:",inline"`
	// PXE is the policy of its PXE service point (guide, table 9).
	PXE PXE `json:"pxe,omitzero" yaml:"pxe,omitempty"`
	// Boundaries are the collections whose computers this box serves; without
	// any, it serves all that no other box is named for.
	Boundaries []string `json:"boundaries,omitempty" yaml:"boundaries,omitempty"`
	// Protected answers computers inside the boundaries only, unknown machines
	// included (a protected site system of the guide, §4.1.2).
	Protected bool `json:"protected,omitempty" yaml:"protected,omitempty"`
	// WipesPerHour is how many machines may be erased in an hour that no
	// confirmed number covers, before the box stops and asks; 10 when left out.
	WipesPerHour *int `json:"wipesPerHour,omitempty" yaml:"wipesPerHour,omitempty"`
}

// DefaultWipesPerHour is WipesPerHour when it is left out.
const DefaultWipesPerHour = 10

// WipeLimit is WipesPerHour or its default.
func (b *Box) WipeLimit() int {
	if b.WipesPerHour == nil {
		return DefaultWipesPerHour
	}
	return *b.WipesPerHour
}

// ObjectKind implements Object.
func (b *Box) ObjectKind() Kind { return KindBox }

// Validate implements Object.
func (b *Box) Validate() error {
	errs := b.validate()
	if !hostName.MatchString(b.Name) {
		errs = append(errs, &FieldError{"name", b.Name, "a box's name must be a host name: 1 to 63 letters, digits and hyphens"})
	}
	errs = append(errs, b.PXE.validate()...)
	for i, n := range b.Boundaries {
		if slices.Index(b.Boundaries, n) != i {
			errs = append(errs, &FieldError{fmt.Sprintf("boundaries[%d]", i), n, "is there twice; name each collection once"})
		}
	}
	if b.Protected && len(b.Boundaries) == 0 {
		errs = append(errs, &FieldError{"protected", "true", "give boundaries: without any, every computer is inside"})
	}
	if n := b.WipeLimit(); n < 0 || n > 10000 {
		errs = append(errs, &FieldError{"wipesPerHour", fmt.Sprint(n), "give 0 to 10000"})
	}
	return errors.Join(errs...)
}
