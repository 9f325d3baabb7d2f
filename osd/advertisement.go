package osd

import (
	"errors"
	"fmt"
	"time"
)

// Rerun says what happens when a machine has run an advertisement before.
type Rerun string

// The rerun behaviours of the guide (table 19).
const (
	RerunNever       Rerun = "never" // the default
	RerunAlways      Rerun = "always"
	RerunIfFailed    Rerun = "ifFailed"
	RerunIfSucceeded Rerun = "ifSucceeded"
)

// AsSoonAsPossible is the assignment that is due at once.
const AsSoonAsPossible = "asSoonAsPossible"

// Advertisement offers a task sequence to a collection (guide, tables 19,
// 35, 39 and 43).
type Advertisement struct {
	Meta       `yaml:",inline"`
	Collection string `json:"collection" yaml:"collection"`
	Sequence   string `json:"sequence" yaml:"sequence"`
	// Mandatory are the assignments: asSoonAsPossible, or times of RFC 3339.
	// Without any, the advertisement is available: a person chooses it.
	Mandatory []string `json:"mandatory,omitempty" yaml:"mandatory,omitempty"`
	// Start is when the advertisement begins; zero means at once.
	Start time.Time `json:"start,omitzero" yaml:"start,omitempty"`
	// Expires is when it ends; zero means never.
	Expires time.Time `json:"expires,omitzero" yaml:"expires,omitempty"`
	// Rerun is RerunNever when left out. A destructive sequence needs a new
	// grant for each run, whatever stands here.
	Rerun Rerun `json:"rerun,omitempty" yaml:"rerun,omitempty"`
	// ConfirmedMachines is the number of machines that the administrator was
	// shown and confirmed for a mandatory destructive sequence. The site
	// refuses the advertisement when the collection holds another number.
	ConfirmedMachines int `json:"confirmedMachines,omitempty" yaml:"confirmedMachines,omitempty"`
	// GrantDays is how long the grants of a mandatory destructive sequence
	// are good for; 14 when left out, 90 at most.
	GrantDays int `json:"grantDays,omitempty" yaml:"grantDays,omitempty"`
}

// ObjectKind implements Object.
func (a *Advertisement) ObjectKind() Kind { return KindAdvertisement }

// IsMandatory says whether machines run it without being asked.
func (a *Advertisement) IsMandatory() bool { return len(a.Mandatory) > 0 }

// Validate implements Object.
func (a *Advertisement) Validate() error {
	errs := a.validate()
	if a.Collection == "" {
		errs = append(errs, &FieldError{"collection", "", "name the collection that it is for"})
	}
	if a.Sequence == "" {
		errs = append(errs, &FieldError{"sequence", "", "name the task sequence"})
	}
	for i, m := range a.Mandatory {
		if _, err := assignmentTime(m); err != nil {
			errs = append(errs, &FieldError{fmt.Sprintf("mandatory[%d]", i), m, "give asSoonAsPossible or a time such as 2026-12-01T18:00:00Z"})
		}
	}
	switch a.Rerun {
	case "", RerunNever, RerunAlways, RerunIfFailed, RerunIfSucceeded:
	default:
		errs = append(errs, &FieldError{"rerun", string(a.Rerun), "give never, always, ifFailed or ifSucceeded"})
	}
	if !a.Expires.IsZero() && !a.Start.IsZero() && !a.Expires.After(a.Start) {
		errs = append(errs, &FieldError{"expires", a.Expires.Format(time.RFC3339), "must come after start"})
	}
	if a.GrantDays < 0 || a.GrantDays > 90 {
		errs = append(errs, &FieldError{"grantDays", fmt.Sprint(a.GrantDays), "give 1 to 90 days"})
	}
	if a.ConfirmedMachines < 0 {
		errs = append(errs, &FieldError{"confirmedMachines", fmt.Sprint(a.ConfirmedMachines), "give the number of machines, 0 or more"})
	}
	return errors.Join(errs...)
}

// Open says whether the advertisement has started and not expired at now.
func (a *Advertisement) Open(now time.Time) bool {
	return !now.Before(a.Start) && (a.Expires.IsZero() || now.Before(a.Expires))
}

// Due says whether a mandatory assignment has come at now.
func (a *Advertisement) Due(now time.Time) bool {
	for _, m := range a.Mandatory {
		if t, err := assignmentTime(m); err == nil && !now.Before(t) {
			return true
		}
	}
	return false
}

func assignmentTime(s string) (time.Time, error) {
	if s == AsSoonAsPossible {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, s)
}
