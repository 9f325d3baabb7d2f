package board

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as a whole number with KiB, MiB or GiB.
type Size int64

// Binary units of sizes.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// UnmarshalText reads "256MiB".
func (s *Size) UnmarshalText(text []byte) error {
	for suffix, unit := range map[string]Size{"KiB": KiB, "MiB": MiB, "GiB": GiB} {
		digits, ok := strings.CutSuffix(string(text), suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
		if err != nil || n < 0 || n > 1<<20 {
			return fmt.Errorf("size %q: not a whole number of %s", text, suffix)
		}
		*s = Size(n) * unit
		return nil
	}
	return fmt.Errorf("size %q: write it with KiB, MiB or GiB", text)
}

// String writes the size as it is read.
func (s Size) String() string {
	switch {
	case s >= GiB && s%GiB == 0:
		return fmt.Sprintf("%dGiB", s/GiB)
	case s%MiB == 0:
		return fmt.Sprintf("%dMiB", s/MiB)
	default:
		return fmt.Sprintf("%dKiB", s/KiB)
	}
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,40}$`)
	moduleForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,60}$`)
)

// Smallest sizes that work: two slots of firmware need about 100 MiB; up to 260 MiB, FAT32 is made with clusters of
// 512 bytes, which boot loaders read slowly.
const (
	smallestESP      = 272 * MiB
	smallestBIOSBoot = 256 * KiB
)

func (b Board) validate() error {
	var errs []error
	bad := func(key, format string, args ...any) { errs = append(errs, fmt.Errorf(key+": "+format, args...)) }
	if !nameForm.MatchString(b.Name) {
		bad("name", "%q: lower-case letters, digits, - and _", b.Name)
	}
	if want, ok := map[string]string{X86: "amd64", ARM64: "arm64"}[b.Architecture]; !ok {
		bad("architecture", "%q: neither x86_64 nor arm64", b.Architecture)
	} else if b.Kernel != want {
		bad("kernel", "%q: only %s can be built for %s", b.Kernel, want, b.Architecture)
	}
	if b.Architecture == ARM64 && b.Boots("bios") {
		bad("firmware", "bios: %s has none", b.Architecture)
	}
	if len(b.Firmware) == 0 {
		bad("firmware", "is missing: name bios, uefi or both")
	}
	for i, f := range b.Firmware {
		if f != "bios" && f != "uefi" {
			bad("firmware", "[%d]: %q is neither bios nor uefi", i, f)
		}
	}
	for i, w := range slices.Concat(b.Consoles, b.CommandLine) {
		if w == "" || strings.ContainsAny(w, " \t\n\"") {
			bad("consoles, commandLine", "word %d: %q: one parameter a word, without spaces and quotes", i, w)
		}
	}
	errs = append(errs, b.validateModules()...)
	errs = append(errs, b.Disk.validate()...)
	return errors.Join(errs...)
}

func (b Board) validateModules() (errs []error) {
	seen := map[string]bool{}
	for i, m := range b.Modules {
		switch {
		case !moduleForm.MatchString(m):
			errs = append(errs, fmt.Errorf("modules[%d]: %q is no module name", i, m))
		case seen[m]:
			errs = append(errs, fmt.Errorf("modules[%d]: %q is there twice", i, m))
		}
		seen[m] = true
	}
	if len(b.Modules) == 0 {
		errs = append(errs, errors.New("modules: is missing"))
	}
	return errs
}

func (d Disk) validate() (errs []error) {
	if d.Style != "gpt" {
		errs = append(errs, fmt.Errorf("disk.style: %q: only gpt can be built", d.Style))
	}
	if d.ESP < smallestESP || d.ESP%MiB != 0 {
		errs = append(errs, fmt.Errorf("disk.esp: %v: whole MiB, at least %v", d.ESP, smallestESP))
	}
	if d.BIOSBoot < smallestBIOSBoot || d.BIOSBoot > 64*MiB {
		errs = append(errs, fmt.Errorf("disk.biosBoot: %v: at least %v, at most 64MiB", d.BIOSBoot, smallestBIOSBoot))
	}
	return errs
}
