package osd

import "errors"

// The kinds of computer associations (guide, §4.3.3 and table 42).
const (
	// AssociationSideBySide: another machine takes the place of the source.
	AssociationSideBySide = "sideBySide"
	// AssociationInPlace: source and destination are the same machine.
	AssociationInPlace = "inPlace"
)

// Association says from which computer a computer gets its users' state.
type Association struct {
	Meta `yaml:",inline"`
	// Source and Destination are names of computers; an in-place association
	// names one twice, or leaves Destination out.
	Source      string `json:"source" yaml:"source"`
	Destination string `json:"destination,omitempty" yaml:"destination,omitempty"`
}

// Type is sideBySide or inPlace.
func (a *Association) Type() string {
	if a.Destination == "" || a.Destination == a.Source {
		return AssociationInPlace
	}
	return AssociationSideBySide
}

// To is the name of the computer that gets the state.
func (a *Association) To() string {
	if a.Destination == "" {
		return a.Source
	}
	return a.Destination
}

// ObjectKind implements Object.
func (a *Association) ObjectKind() Kind { return KindAssociation }

// Validate implements Object.
func (a *Association) Validate() error {
	errs := a.validate()
	if a.Source == "" {
		errs = append(errs, &FieldError{"source", "", "name the computer whose users' state is captured"})
	}
	return errors.Join(errs...)
}
