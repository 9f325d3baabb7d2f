package simulate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd/document/strict"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/query"
)

// Facts are what conditions may ask of the systems on a machine, and an inventory does not say.
type Facts struct {
	System
	// Applied is the system that the sequence puts there.
	Applied *System `json:"applied,omitempty"`
}

// System is one installed system. What is left out is not known; a list that is given is
// complete.
type System struct {
	OperatingSystem *OperatingSystem  `json:"operatingSystem,omitempty"`
	Software        map[string]string `json:"software,omitempty"` // name and version
	Files           map[string]Moment `json:"files,omitempty"`    // path and time of the last change, which may be left out
	Folders         map[string]Moment `json:"folders,omitempty"`
}

// OperatingSystem is that of os-release(5).
type OperatingSystem struct {
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
}

// Moment is a time, or nothing.
type Moment struct{ time.Time }

// UnmarshalText reads 2026-01-31T12:00:00Z, or nothing.
func (m *Moment) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return m.Time.UnmarshalText(b)
}

// ParseFacts reads a file of facts, strictly; the error names lines and columns.
func ParseFacts(data []byte) (*Facts, error) {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	f, d := new(Facts), strict.NewDecoder()
	d.Fields(doc.Content[0], "", f, nil)
	if len(d.Problems) > 0 {
		return nil, d.Problems[0]
	}
	return f, nil
}

// system is what is known of the system that conditions ask now: the one that was applied, or the
// one that is there.
func (s *simulator) system() System {
	switch f := s.run.Machine.Facts; {
	case f == nil:
		return System{}
	case !s.applied:
		return f.System
	case f.Applied == nil:
		return System{}
	default:
		return *f.Applied
	}
}

// unsure notes that a condition asks what nobody knows.
func (s *simulator) unsure(what string) {
	in := "give it by --facts"
	if s.applied {
		in += ", below applied"
	}
	s.doubts = append(s.doubts, what+" is not known and taken for missing; "+in)
}

// Changed implements sequence.Facts.
func (s *simulator) Changed(path string, folder bool) (time.Time, bool, error) {
	known, kind := s.system().Files, "file "
	if folder {
		known, kind = s.system().Folders, "folder "
	}
	if known == nil {
		s.unsure(kind + path)
	}
	at, found := known[path]
	return at.Time, found, nil
}

// OperatingSystem implements sequence.Facts.
func (s *simulator) OperatingSystem() (id, version string, found bool, err error) {
	system, known := s.operatingSystem()
	if !known {
		s.unsure("the operating system")
	}
	return system.ID, system.Version, known, nil
}

// operatingSystem is that of system: of the facts or, until another one is applied, of the
// inventory.
func (s *simulator) operatingSystem() (inventory.System, bool) {
	if given := s.system().OperatingSystem; given != nil {
		return inventory.System{ID: given.ID, Version: given.Version}, true
	}
	if s.applied {
		return inventory.System{}, false
	}
	there := s.run.Machine.System
	return there, there.ID != ""
}

// Software implements sequence.Facts.
func (s *simulator) Software(name string) (string, bool, error) {
	known := s.system().Software
	if known == nil {
		s.unsure("software " + name)
	}
	version, found := known[name]
	return version, found, nil
}

// Query implements sequence.Facts.
func (s *simulator) Query(text string) (bool, string, error) {
	q, err := query.Parse(text)
	if err != nil {
		return false, "", err
	}
	m, known := s.run.Machine, false
	if m.System, known = s.operatingSystem(); !known && slices.ContainsFunc(q.Classes(), func(c string) bool { return strings.EqualFold(c, "Win32_OperatingSystem") }) {
		s.unsure("the operating system")
	}
	name, _ := s.env().Get("OSDComputerName")
	found, _ := q.Matches(&query.Computer{Name: name, SMBIOSGUID: m.UUID, MACs: m.MACs(), IPAddresses: m.IPAddresses, Facts: m.Machine})
	var warnings []string
	for _, w := range q.Warnings(query.Known) {
		warnings = append(warnings, string(w))
	}
	return found, strings.Join(warnings, "; "), nil
}
