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

// PXE is the policy of a PXE service point (guide, table 9).
type PXE struct {
	// Respond is false when the box is to stay silent. Left out: true.
	Respond *bool `json:"respond,omitempty" yaml:"respond,omitempty"`
	// UnknownComputers offers a boot image to machines that the site does
	// not know. Off when left out.
	UnknownComputers bool `json:"unknownComputers,omitempty" yaml:"unknownComputers,omitempty"`
	// DelaySeconds is how long the box waits before it answers, 0 to 32.
	DelaySeconds int `json:"delaySeconds,omitempty" yaml:"delaySeconds,omitempty"`
	// ExcludeMACs are never answered.
	ExcludeMACs []string `json:"excludeMACs,omitempty" yaml:"excludeMACs,omitempty"`
}

// Responds says whether the box answers PXE requests at all.
func (p PXE) Responds() bool { return p.Respond == nil || *p.Respond }

// ObjectKind implements Object.
func (b *Box) ObjectKind() Kind { return KindBox }

// Validate implements Object.
func (b *Box) Validate() error {
	errs := b.validate()
	if !hostName.MatchString(b.Name) {
		errs = append(errs, &FieldError{"name", b.Name, "a box's name must be a host name: 1 to 63 letters, digits and hyphens"})
	}
	if b.PXE.DelaySeconds < 0 || b.PXE.DelaySeconds > 32 {
		errs = append(errs, &FieldError{"pxe.delaySeconds", fmt.Sprint(b.PXE.DelaySeconds), "give 0 to 32 seconds"})
	}
	for i, m := range b.PXE.ExcludeMACs {
		if _, err := NormalizeMAC(m); err != nil {
			errs = append(errs, &FieldError{fmt.Sprintf("pxe.excludeMACs[%d]", i), m, "give six bytes in hexadecimal, such as 52:54:00:12:34:56"})
		}
	}
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
