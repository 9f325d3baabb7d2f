// Package computercsv reads lists of computers as people keep them: CSV with or
// without a header, columns in any order (guide, tables 18 and 42). Format:
// docs/formats/computers-csv.md.
package computercsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bootward/bootward/osd"
)

// Row is one computer of a file.
type Row struct {
	Line     int // from 1
	Computer osd.Computer
	// Source is the name of the computer that it replaces, or empty.
	Source string
}

// Problem is what is wrong with a row, and where.
type Problem struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

func (p Problem) Error() string {
	return fmt.Sprintf("line %d, %s: %s; %s", p.Line, p.Column, p.What, p.Remedy)
}

// File is what was read.
type File struct {
	Columns  []string // what each column was taken for
	Rows     []Row    // the good ones
	Problems []Problem
}

// The columns that are known; a variable is var:NAME.
const (
	columnName   = "name"
	columnMAC    = "mac"
	columnGUID   = "guid"
	columnSource = "source"
	columnBox    = "box"
	columnNote   = "comment"
	columnVar    = "var:"
	columnSkip   = "-" // a column that is not read
)

// headers are the usual names of columns, in lower case without spaces, hyphens
// and underscores.
var headers = map[string]string{
	"name": columnName, "computername": columnName, "computer": columnName, "hostname": columnName, "netbiosname": columnName, "destinationcomputer": columnName,
	"mac": columnMAC, "macs": columnMAC, "macaddress": columnMAC, "macaddresses": columnMAC,
	"guid": columnGUID, "smbiosguid": columnGUID, "uuid": columnGUID, "systemguid": columnGUID,
	"source": columnSource, "sourcecomputer": columnSource, "replaces": columnSource,
	"box": columnBox, "comment": columnNote, "description": columnNote, "-": columnSkip,
}

// maxBytes is the largest file that is read.
const maxBytes = 64 << 20

// Read reads a file. columns names them where it has no header; otherwise they
// are guessed of the first row. An error means that nothing could be read; wrong
// rows are among the problems.
func Read(data []byte, columns []string) (*File, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("the file has %d bytes; split it: at most %d are read", len(data), maxBytes)
	}
	text, err := Text(data)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = separator(text), -1, true, '#'
	f := &File{}
	for seen := map[string]int{}; ; {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			return nil, fmt.Errorf("line %d, column %d: %w; close every quote, and double those inside", wrong.Line, wrong.Column, wrong.Err)
		} else if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if f.Columns == nil {
			header, err := f.columns(cells, columns)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			if header {
				continue
			}
		}
		f.add(cells, line, seen)
	}
	if f.Columns == nil {
		return nil, errors.New("the file holds no row")
	}
	return f, nil
}

// Text is the text of a file in UTF-8 or, with a byte order mark, in UTF-16.
func Text(data []byte) (string, error) {
	order := func(hi, lo int) string {
		units := make([]uint16, 0, len(data)/2)
		for i := 2; i+1 < len(data); i += 2 {
			units = append(units, uint16(data[i+hi])<<8|uint16(data[i+lo]))
		}
		return string(utf16.Decode(units))
	}
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return order(0, 1), nil
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return order(1, 0), nil
	}
	data = bytes.TrimPrefix(data, []byte{0xef, 0xbb, 0xbf})
	if !utf8.Valid(data) {
		return "", errors.New("the file is neither UTF-8 nor UTF-16; save it in one of them")
	}
	return string(data), nil
}

// separator is the sign that the first line has most of.
func separator(text string) rune {
	first, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, s := range []rune{';', '\t'} {
		if strings.Count(first, string(s)) > strings.Count(first, string(best)) {
			best = s
		}
	}
	return best
}

// columns finds out what the columns are, and whether the row is a header.
func (f *File) columns(cells, given []string) (header bool, err error) {
	if given != nil {
		for _, c := range given {
			k, ok := known(c)
			if !ok {
				return false, fmt.Errorf("column %q is not known; give name, mac, guid, source, box, comment, var:NAME, or - for one that is not read", c)
			}
			f.Columns = append(f.Columns, k)
		}
		return false, f.checkColumns()
	}
	for _, c := range cells {
		k, ok := known(c)
		header = header || ok && k != columnSkip
		if !ok {
			k = columnSkip
		}
		f.Columns = append(f.Columns, k)
	}
	if !header {
		f.Columns = guess(cells)
	}
	return header, f.checkColumns()
}

func known(column string) (string, bool) {
	column = strings.TrimSpace(column)
	if name, ok := strings.CutPrefix(column, columnVar); ok {
		return columnVar + name, name != ""
	}
	k, ok := headers[strings.NewReplacer(" ", "", "_", "").Replace(strings.ToLower(column))]
	return k, ok
}

// guess takes columns for what the values of a row look like; the first text
// that is nothing else is the name.
func guess(cells []string) []string {
	out := make([]string, len(cells))
	named := false
	for i, c := range cells {
		_, macErr := macs(c)
		_, guidErr := osd.NormalizeGUID(c)
		switch {
		case strings.TrimSpace(c) == "":
			out[i] = columnSkip
		case macErr == nil:
			out[i] = columnMAC
		case guidErr == nil || errors.Is(guidErr, osd.ErrNoGUID):
			out[i] = columnGUID
		case !named:
			out[i], named = columnName, true
		default:
			out[i] = columnSkip
		}
	}
	return out
}

func (f *File) checkColumns() error {
	if !slices.Contains(f.Columns, columnName) || !slices.Contains(f.Columns, columnMAC) && !slices.Contains(f.Columns, columnGUID) {
		return fmt.Errorf("the columns were taken for %s; a name, and a MAC or a GUID, are needed: give a header, or name the columns", strings.Join(f.Columns, ", "))
	}
	return nil
}
