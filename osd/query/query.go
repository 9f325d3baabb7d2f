// Package query is the query language of the guide for collections, WQL as
// Configuration Manager writes it: SELECT … FROM class [INNER JOIN …] WHERE ….
// A query is held against one machine at a time. Pure; notation and classes:
// docs/formats/query.md.
package query

import (
	"fmt"
	"slices"
	"strings"
)

// Query is a query that was read. It is not changed and may be used
// concurrently.
type Query struct {
	text    string
	classes []string // as written; the first is that of FROM
	aliases []string // lower case, one for each class
	left    []bool   // joined so that a machine without an instance counts
	where   node     // nil: every machine that has the classes
	names   []property
}

// property is a property as it was named.
type property struct{ class, name string }

// Warning is something that an administrator should hear of a query.
type Warning string

// String is the query as it was written.
func (q *Query) String() string { return q.text }

// Classes lists the classes that the query names, as written.
func (q *Query) Classes() []string { return q.classes }

// Warnings looks for classes and properties that are not known; such a class
// makes the query false, such a property has no value.
func (q *Query) Warnings(known func(class string) (properties []string, ok bool)) []Warning {
	var all []Warning
	for _, c := range q.classes {
		if _, ok := known(c); !ok {
			all = append(all, Warning(fmt.Sprintf("class %s is not known: the query is false; known classes are %s", c, strings.Join(ClassNames(), ", "))))
		}
	}
	for _, p := range q.names {
		if properties, ok := known(p.class); ok && !slices.ContainsFunc(properties, func(k string) bool { return strings.EqualFold(k, p.name) }) {
			all = append(all, Warning(fmt.Sprintf("class %s has no property %s: it has no value; there are %s", p.class, p.name, strings.Join(properties, ", "))))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxRows bounds the combinations of instances that are looked at.
const maxRows = 4096

// Matches says whether some combination of the machine's instances of the
// classes fits. Classes are joined by the machine itself.
func (q *Query) Matches(c *Computer) (bool, []Warning) {
	tables := make([][]Record, len(q.classes))
	rows := 1
	for i, name := range q.classes {
		instances, ok := c.instances(name)
		if !ok {
			return false, q.Warnings(Known)
		}
		if len(instances) == 0 && q.left[i] {
			instances = []Record{nil}
		}
		tables[i] = instances
		if rows *= len(instances); rows > maxRows {
			return false, []Warning{"the machine has more than 4096 combinations of instances: the query is false"}
		}
	}
	row := make([]Record, len(tables))
	return q.any(tables, row, 0), nil
}

func (q *Query) any(tables [][]Record, row []Record, i int) bool {
	if i == len(tables) {
		return q.where == nil || q.where.eval(row) == yes
	}
	for _, r := range tables[i] {
		row[i] = r
		if q.any(tables, row, i+1) {
			return true
		}
	}
	return false
}
