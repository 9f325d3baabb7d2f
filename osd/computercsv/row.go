package computercsv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
)

// add reads a row. seen holds the lines on which labels stood before.
func (f *File) add(cells []string, line int, seen map[string]int) {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return
	}
	row := Row{Line: line}
	before := len(f.Problems)
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		switch {
		case i >= len(f.Columns) && cell != "":
			f.fail(line, fmt.Sprintf("column %d", i+1), "there are more values than columns", "quote values that hold the separator")
		case i < len(f.Columns) && cell != "":
			f.cell(&row, f.Columns[i], cell)
		}
	}
	f.validate(row.Computer, line)
	f.twice(row.Computer, line, seen)
	if len(f.Problems) == before {
		f.Rows = append(f.Rows, row)
	}
}

func (f *File) fail(line int, column, what, remedy string) {
	f.Problems = append(f.Problems, Problem{line, column, what, remedy})
}

func (f *File) cell(row *Row, column, cell string) {
	c := &row.Computer
	switch column {
	case columnName:
		c.Name = cell
	case columnMAC:
		all, err := macs(cell)
		if err != nil {
			f.fail(row.Line, column, err.Error(), "give six bytes in hexadecimal, such as 52:54:00:12:34:56; several in one cell with a space or a semicolon between")
		}
		c.MACs = append(c.MACs, all...)
	case columnGUID:
		g, err := osd.NormalizeGUID(cell)
		if err != nil && !errors.Is(err, osd.ErrNoGUID) {
			f.fail(row.Line, column, err.Error(), "give 32 hexadecimal digits, such as 4c4c4544-0042-3510-8052-b4c04f4d3232")
		}
		c.SMBIOSGUID = g
	case columnSource:
		row.Source = cell
	case columnBox:
		c.Box = cell
	case columnNote:
		c.Comment = cell
	case columnSkip:
	default: // a variable
		if c.Variables == nil {
			c.Variables = map[string]string{}
		}
		c.Variables[strings.TrimPrefix(column, columnVar)] = cell
	}
}

// macs reads the addresses of a cell.
func macs(cell string) ([]string, error) {
	var all []string
	for _, one := range strings.FieldsFunc(cell, func(r rune) bool { return r == ' ' || r == ';' || r == '/' || r == ',' || r == '|' }) {
		m, err := osd.NormalizeMAC(one)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no address")
	}
	return all, nil
}

func (f *File) validate(c osd.Computer, line int) {
	err := c.Validate()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return
	}
	for _, e := range joined.Unwrap() {
		var field *osd.FieldError
		if errors.As(e, &field) {
			what := fmt.Sprintf("%q", field.Value)
			if field.Value == "" {
				what = "it is missing"
			}
			f.fail(line, field.Field, what, field.Remedy)
		}
	}
}

// twice refuses labels that stood in the file before.
func (f *File) twice(c osd.Computer, line int, seen map[string]int) {
	f.once(columnName, c.Name, strings.ToLower(c.Name), line, seen)
	for _, m := range c.MACs {
		f.once(columnMAC, m, m, line, seen)
	}
	f.once(columnGUID, c.SMBIOSGUID, c.SMBIOSGUID, line, seen)
}

func (f *File) once(column, value, key string, line int, seen map[string]int) {
	if value == "" {
		return
	}
	if first, ok := seen[column+key]; ok {
		f.fail(line, column, fmt.Sprintf("%s stands on line %d as well", value, first), "each computer, address and GUID stands once")
		return
	}
	seen[column+key] = line
}
