package osd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bootward/bootward/osd/schedule"
)

// The collections that every site has (guide, §4.1.2 and table 18).
const (
	// AllSystems holds every known computer.
	AllSystems = "All Systems"
	// UnknownComputers holds every machine that the site does not know, and
	// those that became known by a job that has not succeeded yet.
	UnknownComputers = "Unknown Computers"
)

// Collection is a named set of computers: the direct members, those that a
// query or an included collection holds, without those of excluded
// collections, and only those that the limiting collection holds. Obsolete
// computers are in none. Package osd/membership evaluates it.
type Collection struct {
	Meta `yaml:",inline"`
	// Members are the names of computers (direct membership rules).
	Members []string `json:"members,omitempty" yaml:"members,omitempty"`
	// Queries are query membership rules (osd/query).
	Queries []QueryRule `json:"queries,omitempty" yaml:"queries,omitempty"`
	// Include and Exclude name other collections.
	Include []string `json:"include,omitempty" yaml:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty" yaml:"exclude,omitempty"`
	// LimitTo is the limiting collection: only its members can be members.
	LimitTo string `json:"limitTo,omitempty" yaml:"limitTo,omitempty"`
	// Update is when the queries are evaluated, in TimeZone; left out: at
	// each change.
	Update   *schedule.Schedule `json:"update,omitempty" yaml:"update,omitempty"`
	TimeZone string             `json:"timeZone,omitempty" yaml:"timeZone,omitempty"`
	// Variables are task sequence variables of every member.
	Variables map[string]string `json:"variables,omitempty" yaml:"variables,omitempty"`
	// VariablePriority, 1 to 9, decides between collections that set the same
	// variable: the higher wins; of equal ones the name that sorts later.
	VariablePriority int `json:"variablePriority,omitempty" yaml:"variablePriority,omitempty"`
	// ComputerName is the template of names for members that were not imported.
	ComputerName string `json:"computerName,omitempty" yaml:"computerName,omitempty"`
	// MaintenanceWindows are when mandatory advertisements may start on
	// members; without any, always.
	MaintenanceWindows []MaintenanceWindow `json:"maintenanceWindows,omitempty" yaml:"maintenanceWindows,omitempty"`
}

// QueryRule is one query membership rule.
type QueryRule struct {
	Name  string `json:"name,omitempty" yaml:"name,omitempty"`
	Query string `json:"query" yaml:"query"`
}

// MaintenanceWindow is when a member may be worked on.
type MaintenanceWindow struct {
	Name     string            `json:"name,omitempty" yaml:"name,omitempty"`
	Schedule schedule.Schedule `json:"schedule" yaml:"schedule"`
	Duration Duration          `json:"duration" yaml:"duration"`
	TimeZone string            `json:"timeZone,omitempty" yaml:"timeZone,omitempty"`
}

// ObjectKind implements Object.
func (c *Collection) ObjectKind() Kind { return KindCollection }

// BuiltIn says whether the collection is one that every site has.
func (c *Collection) BuiltIn() bool { return BuiltIn(c.Name) }

// BuiltIn says whether a name is that of a collection that every site has.
func BuiltIn(name string) bool { return name == AllSystems || name == UnknownComputers }

// Validate implements Object. Queries are parsed where they are evaluated: the
// site refuses those that cannot be read.
func (c *Collection) Validate() error {
	errs := c.validate()
	if c.BuiltIn() && len(c.Members)+len(c.Queries)+len(c.Include)+len(c.Exclude)+len(c.LimitTo) > 0 {
		errs = append(errs, &FieldError{"members", fmt.Sprint(len(c.Members)), "the members of " + c.Name + " are given by the site; leave all rules out"})
	}
	for field, list := range map[string][]string{"members": c.Members, "include": c.Include, "exclude": c.Exclude} {
		for i, m := range list {
			if slices.Index(list, m) != i {
				errs = append(errs, &FieldError{fmt.Sprintf("%s[%d]", field, i), m, "is there twice; name it once"})
			}
		}
	}
	for i, q := range c.Queries {
		if q.Query == "" {
			errs = append(errs, &FieldError{fmt.Sprintf("queries[%d].query", i), "", "give a query, such as SELECT * FROM SMS_R_System WHERE Name LIKE 'W12-%'"})
		}
	}
	if c.VariablePriority < 0 || c.VariablePriority > 9 {
		errs = append(errs, &FieldError{"variablePriority", fmt.Sprint(c.VariablePriority), "give 1 to 9"})
	}
	for i, w := range c.MaintenanceWindows {
		if w.Duration <= 0 {
			errs = append(errs, &FieldError{fmt.Sprintf("maintenanceWindows[%d].duration", i), "", "give how long the window is open, such as 8h"})
		}
		errs = append(errs, checkZone(fmt.Sprintf("maintenanceWindows[%d].timeZone", i), w.TimeZone)...)
	}
	errs = append(errs, checkZone("timeZone", c.TimeZone)...)
	return errors.Join(append(errs, checkNameTemplate("computerName", c.ComputerName)...)...)
}
