package osd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RoleAdministrator may do everything with every object, and read the audit log.
const RoleAdministrator = "administrator"

// Permission is what a person may do with an object (guide, tables 19 and 38).
type Permission string

// The permissions. To change and to deploy include to see.
const (
	// See reads an object, and what was reported of it.
	See Permission = "see"
	// Change makes, edits and deletes it.
	Change Permission = "change"
	// Deploy uses it: advertises to a collection, grants, orders, approves.
	Deploy Permission = "deploy"
)

// Person is somebody who signs in: at the site with a token or a certificate, at
// boxes as a technician. What proves who he is stands beside the object, never
// in it.
type Person struct {
	Meta `yaml:",inline"`
	// Disabled lets nobody in under this name any more.
	Disabled bool `json:"disabled,omitempty" yaml:"disabled,omitempty"`
	// Role is RoleAdministrator or empty: then Rights say all there is.
	Role   string  `json:"role,omitempty" yaml:"role,omitempty"`
	Rights []Right `json:"rights,omitempty" yaml:"rights,omitempty"`
	// Technician says what he may do at boxes, with a PIN or a certificate.
	Technician *Technician `json:"technician,omitempty" yaml:"technician,omitempty"`
}

// Right allows something with the objects that fit all fields that are given:
// every object there is if none is.
type Right struct {
	Allow []Permission `json:"allow" yaml:"allow"`
	// Kind and Name are those of single objects; Name needs Kind.
	Kind Kind   `json:"kind,omitempty" yaml:"kind,omitempty"`
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	// Folder is inherited by what lies below it.
	Folder string `json:"folder,omitempty" yaml:"folder,omitempty"`
	// Collection is inherited by its computers and by advertisements to it.
	Collection string `json:"collection,omitempty" yaml:"collection,omitempty"`
}

// Technician is what a person may do at boxes.
type Technician struct {
	// Boxes are names; AnyBox stands for all.
	Boxes []string `json:"boxes" yaml:"boxes"`
	// May lists approve, clear, resume, media; all of them when left out.
	May []string `json:"may,omitempty" yaml:"may,omitempty"`
}

// AnyBox stands for every box of the site.
const AnyBox = "*"

// What technicians may do at their boxes.
const (
	MayApprove = "approve" // approve and deny machines that wait
	MayClear   = "clear"   // clear PXE marks
	MayResume  = "resume"  // let a box go on that the wipe interlock stopped
	MayMedia   = "media"   // make boot media
)

// ObjectKind implements Object.
func (p *Person) ObjectKind() Kind { return KindPerson }

// Validate implements Object. The name becomes part of a certificate's name.
func (p *Person) Validate() error {
	c := &fieldCheck{errs: p.validate()}
	c.that(hostName.MatchString(p.Name), "name", p.Name, "give 1 to 63 letters, digits and hyphens")
	c.among("role", p.Role, RoleAdministrator)
	for i, r := range p.Rights {
		r.check(c, fmt.Sprintf("rights[%d]", i))
	}
	if t := p.Technician; t != nil {
		c.that(len(t.Boxes) > 0, "technician.boxes", "", "name boxes, or "+AnyBox+" for all")
		for i, m := range t.May {
			c.among(fmt.Sprintf("technician.may[%d]", i), m, MayApprove, MayClear, MayResume, MayMedia)
		}
	}
	return errors.Join(c.errs...)
}

func (r Right) check(c *fieldCheck, field string) {
	c.that(len(r.Allow) > 0, field+".allow", "", "give see, change or deploy")
	for i, p := range r.Allow {
		c.among(fmt.Sprintf("%s.allow[%d]", field, i), string(p), string(See), string(Change), string(Deploy))
	}
	c.that(r.Kind == "" || slices.Contains(Kinds(), r.Kind), field+".kind", string(r.Kind), "give a kind of object, such as Collection")
	c.that(r.Name == "" || r.Kind != "", field+".kind", "", "say of which kind the object of that name is")
}

// Subject is an object as rights look at it.
type Subject struct {
	Kind   Kind
	Name   string
	Folder string
	// Collections are those that hold a computer, that an advertisement is for,
	// or the collection itself.
	Collections []string
}

// Can says whether the person has a permission on an object.
func (p *Person) Can(do Permission, s Subject) bool {
	if p.Disabled {
		return false
	}
	return p.Role == RoleAdministrator || slices.ContainsFunc(p.Rights, func(r Right) bool { return r.allows(do) && r.covers(s) })
}

func (r Right) allows(do Permission) bool {
	return slices.Contains(r.Allow, do) || do == See && len(r.Allow) > 0
}

func (r Right) covers(s Subject) bool {
	below := r.Folder == "" || s.Folder == r.Folder || strings.HasPrefix(s.Folder, r.Folder+"/")
	return (r.Kind == "" || r.Kind == s.Kind) && (r.Name == "" || r.Name == s.Name) && below &&
		(r.Collection == "" || slices.Contains(s.Collections, r.Collection))
}

// CanAt says whether the person may do something at a box. Administrators may
// do everything at every box.
func (p *Person) CanAt(box, do string) bool {
	switch {
	case p.Disabled:
		return false
	case p.Role == RoleAdministrator:
		return true
	case p.Technician == nil:
		return false
	}
	t := p.Technician
	return (slices.Contains(t.Boxes, AnyBox) || slices.Contains(t.Boxes, box)) && (len(t.May) == 0 || slices.Contains(t.May, do))
}

// At says whether the person may do anything at all at a box.
func (p *Person) At(box string) bool {
	return slices.ContainsFunc([]string{MayApprove, MayClear, MayResume, MayMedia}, func(do string) bool { return p.CanAt(box, do) })
}
