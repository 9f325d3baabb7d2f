// Package osd is the domain of Bootward: the nouns of operating system
// deployment (computers, collections, advertisements, packages, images) and
// their validation.
//
// It does no input or output, knows nothing of networks, databases or keys,
// and imports nothing of ours but osd/schedule. The names are those of the guide
// ("Operating System Deployment", System Center Configuration Manager 2007).
package osd

import (
	"fmt"
	"regexp"
	"strings"
)

// Kind names a class of objects, as it stands in the `kind:` key of a YAML
// document.
type Kind string

// The kinds of objects that an administrator keeps at the site.
const (
	KindBox           Kind = "Box"
	KindComputer      Kind = "Computer"
	KindCollection    Kind = "Collection"
	KindPackage       Kind = "Package"
	KindImage         Kind = "Image"
	KindBootImage     Kind = "BootImage"
	KindTaskSequence  Kind = "TaskSequence"
	KindAdvertisement Kind = "Advertisement"
	KindAssociation   Kind = "ComputerAssociation"
	KindSettings      Kind = "SiteSettings"
	KindPerson        Kind = "Person"
	KindSecret        Kind = "Secret"
)

// Kinds lists every kind, in the order in which objects can be put in place
// without a reference to something that does not exist yet.
func Kinds() []Kind {
	return []Kind{
		KindSettings, KindBox, KindPackage, KindImage, KindBootImage, KindSecret, KindComputer, KindAssociation,
		KindCollection, KindTaskSequence, KindAdvertisement, KindPerson,
	}
}

// Word is how the command line calls a kind.
func (k Kind) Word() string {
	switch k {
	case KindTaskSequence:
		return "sequence"
	case KindAssociation:
		return "association"
	case KindSettings:
		return "settings"
	}
	return strings.ToLower(string(k))
}

// Object is one object of the site: what `bootward apply` puts in place.
type Object interface {
	// ObjectKind is the kind of the object.
	ObjectKind() Kind
	// ObjectName is the name that the administrator gave; unique in its kind.
	ObjectName() string
	// Validate reports every field that is wrong, joined, each as a
	// *FieldError. It looks at this object alone: references are resolved by
	// the site.
	Validate() error
}

// Meta is what every object has.
type Meta struct {
	// ID is given by the site (site code and five hexadecimal digits, such
	// as CEN0000A); it never changes, also when the object is renamed.
	ID string `json:"id,omitempty" yaml:"id,omitempty"`
	// Name is unique in its kind, 1 to 127 bytes, no control characters.
	Name string `json:"name" yaml:"name"`
	// Comment is for people.
	Comment string `json:"comment,omitempty" yaml:"comment,omitempty"`
	// Folder is a path such as Wards/North, for people.
	Folder string `json:"folder,omitempty" yaml:"folder,omitempty"`
}

// ObjectName implements Object.
func (m Meta) ObjectName() string { return m.Name }

// FieldError is a wrong field of an object: where it stands, what is wrong,
// and what would be right.
type FieldError struct {
	Field  string // path of the field, e.g. "macs[1]"
	Value  string // what was given
	Remedy string // what would be right
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s: %q: %s", e.Field, e.Value, e.Remedy)
}

func (m Meta) validate() []error {
	var errs []error
	if m.Name == "" || len(m.Name) > 127 || strings.ContainsFunc(m.Name, isControl) {
		errs = append(errs, &FieldError{"name", m.Name, "give a name of 1 to 127 bytes without control characters"})
	}
	if m.Folder != "" && !folderPath.MatchString(m.Folder) || len(m.Folder) > 255 {
		errs = append(errs, &FieldError{"folder", m.Folder, "give names between single slashes, such as Wards/North, 255 bytes at most"})
	}
	return errs
}

// folderPath is one or more names between single slashes.
var folderPath = regexp.MustCompile(`^[^/[:cntrl:]]+(/[^/[:cntrl:]]+)*$`)

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
