package osd

import (
	"errors"
	"fmt"
)

// Box is an appliance as the site knows it.
type Box struct {
	Meta `yaml:",inline"`
	// PXE is the policy of its PXE service point (guide, table 9).
	PXE PXE `json:"pxe,omitzero" yaml:"pxe,omitempty"`
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
	return errors.Join(errs...)
}
