package osd

import (
	"errors"
	"fmt"
	"slices"
)

// The collections that every site has (guide, §4.1.2 and table 18).
const (
	// AllSystems holds every known computer.
	AllSystems = "All Systems"
	// UnknownComputers holds every machine that the site does not know.
	UnknownComputers = "Unknown Computers"
)

// Collection is a named set of computers.
type Collection struct {
	Meta `yaml:",inline"`
	// Members are the names of computers (direct membership rules).
	Members []string `json:"members,omitempty" yaml:"members,omitempty"`
	// Variables are task sequence variables of every member.
	Variables map[string]string `json:"variables,omitempty" yaml:"variables,omitempty"`
}

// ObjectKind implements Object.
func (c *Collection) ObjectKind() Kind { return KindCollection }

// BuiltIn says whether the collection is one that every site has.
func (c *Collection) BuiltIn() bool { return c.Name == AllSystems || c.Name == UnknownComputers }

// Validate implements Object.
func (c *Collection) Validate() error {
	errs := c.validate()
	if c.BuiltIn() && len(c.Members) > 0 {
		errs = append(errs, &FieldError{"members", fmt.Sprint(len(c.Members)), "the members of " + c.Name + " are given by the site; leave them out"})
	}
	for i, m := range c.Members {
		if slices.Index(c.Members, m) != i {
			errs = append(errs, &FieldError{fmt.Sprintf("members[%d]", i), m, "is there twice; name each computer once"})
		}
	}
	return errors.Join(errs...)
}

// Holds says whether a computer belongs to the collection; known is nil for
// a machine that the site does not know.
func (c *Collection) Holds(known *Computer) bool {
	switch {
	case c.Name == UnknownComputers:
		return known == nil
	case known == nil:
		return false
	case c.Name == AllSystems:
		return true
	}
	return slices.Contains(c.Members, known.Name)
}
