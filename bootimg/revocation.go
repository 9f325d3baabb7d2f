package bootimg

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ErrRevoked is wrapped by what is said of programs that firmware or shim will refuse.
var ErrRevoked = errors.New("revoked")

// The revocations that this version of Bootward knows. A release takes over what was
// published since the one before.
var (
	// pinnedLevel is the payload of the variable SbatLevel of the day: entry 2025051000
	// of SbatLevel_Variable.txt in github.com/rhboot/shim.
	//go:embed data/sbatlevel.csv
	pinnedLevel []byte
	//go:embed data/dbx.txt
	pinnedHashes []byte
)

// Revocations is what Secure Boot must not start any more.
type Revocations struct {
	Level  map[string]int    // SBAT: the lowest generation of each component that is still good
	Hashes map[string]string // Authenticode SHA-256 in hexadecimal, and why
}

// Pinned is the revocations that are built in.
func Pinned() (Revocations, error) {
	level, err := parseSBAT(pinnedLevel)
	if err != nil {
		return Revocations{}, fmt.Errorf("built-in SBAT level: %w", err)
	}
	hashes := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(pinnedHashes)); s.Scan(); {
		if hash, why, _ := strings.Cut(s.Text(), " "); len(hash) == 64 {
			hashes[hash] = why
		}
	}
	return Revocations{Level: level, Hashes: hashes}, nil
}

// Check fails, wrapping ErrRevoked, if an EFI program must not be booted any more: by
// its digest, by the generations in its .sbat section, or because shim would refuse it
// for lack of that section or of a signature. component is what must be among the generations, such as
// "shim"; with "" the program (a kernel) needs none.
func (r Revocations) Check(name, component string, image []byte) error {
	p, err := parseProgram(image)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if why, ok := r.Hashes[p.digest]; ok {
		return fmt.Errorf("%s: %w: its digest %s is on the list of forbidden programs (%s): make the kit from a newer package", name, ErrRevoked, p.digest, why)
	}
	if !p.signed {
		return fmt.Errorf("%s: it carries no signature, Secure Boot would refuse it: take the distribution's signed package", name)
	}
	if component == "" && p.sbat == nil {
		return nil
	}
	has, err := parseSBAT(p.sbat)
	if err != nil {
		return fmt.Errorf("%s: section .sbat: %w", name, err)
	}
	if _, ok := has[component]; !ok && component != "" {
		return fmt.Errorf("%s: %w: its .sbat section does not name %s: it is older than generations, of before 2021", name, ErrRevoked, component)
	}
	for c, generation := range has {
		if want := r.Level[c]; generation < want {
			return fmt.Errorf("%s: %w: %s is of generation %d, at least %d is asked for: make the kit from a newer package", name, ErrRevoked, c, generation, want)
		}
	}
	return nil
}

// parseSBAT reads the generations of a .sbat section or of an SbatLevel, which have
// the first two columns in common (SBAT.md of github.com/rhboot/shim). Sections are
// padded with zeros.
func parseSBAT(b []byte) (map[string]int, error) {
	all := map[string]int{}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimRight(b, "\x00")))
	rows.FieldsPerRecord = -1
	rows.LazyQuotes = true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("generations: %w", err)
		}
		if len(row) < 2 {
			return nil, fmt.Errorf("generations: %q has no generation", row[0])
		}
		n, err := strconv.ParseUint(row[1], 10, 16) // shim keeps them in 16 bits
		if err != nil || row[0] == "" {
			return nil, fmt.Errorf("generations: %q,%q: want a name and a number", row[0], row[1])
		}
		if known, ok := all[row[0]]; !ok || int(n) < known {
			all[row[0]] = int(n)
		}
	}
}
