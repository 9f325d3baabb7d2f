// Package board holds the hardware profiles that firmware and boot images are built for, as data: one YAML file per
// board, embedded. A profile names the architecture, the kernel flavour, the consoles, the kernel modules (their
// dependencies are computed elsewhere, from the kernel itself) and the layout of the firmware disk.
//
// The package only reads and validates. It refuses unknown keys, duplicate modules, and sizes that no firmware could boot from; every error names the board and the key's path.
package board

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed data/*.yaml
var data embed.FS

// ErrUnknown is wrapped by Load when no profile has the asked name.
var ErrUnknown = errors.New("unknown board")

// Board is one hardware profile. It is a plain value; nobody changes it after Parse.
type Board struct {
	Name         string   `yaml:"name"`         // as in --board and in the file's name, for example "pc-x86_64"
	Description  string   `yaml:"description"`  // one line for people
	Architecture string   `yaml:"architecture"` // X86 or ARM64
	Firmware     []string `yaml:"firmware"`     // "bios", "uefi": what the machine boots by
	Kernel       string   `yaml:"kernel"`       // Debian's flavour, for example "amd64"
	Consoles     []string `yaml:"consoles"`     // values of console=; the last one becomes /dev/console
	CommandLine  []string `yaml:"commandLine"`  // further kernel parameters
	Modules      []string `yaml:"modules"`      // modules by name; the image holds their closure
	Disk         Disk     `yaml:"disk"`         // layout of the firmware disk
}

// The architectures, each with the flavour of Debian's kernel for it.
const (
	X86   = "x86_64" // amd64
	ARM64 = "arm64"  // arm64
)

// Disk is the layout of the firmware disk. The data partition is made by the box itself, on a disk of its own.
type Disk struct {
	Style    string `yaml:"style"`    // "gpt"
	BIOSBoot Size   `yaml:"biosBoot"` // room for GRUB's core image; 1 MiB suffices
	ESP      Size   `yaml:"esp"`      // EFI system partition, FAT32: loaders, kernels, seeds
}

// KernelCommandLine is the kernel command line of this board: its consoles, then its parameters, then extra ones.
func (b Board) KernelCommandLine(extra ...string) string {
	var words []string
	for _, c := range b.Consoles {
		words = append(words, "console="+c)
	}
	words = append(words, b.CommandLine...)
	return strings.Join(append(words, extra...), " ")
}

// Boots reports whether the board boots by the given firmware, "bios" or "uefi".
func (b Board) Boots(firmware string) bool { return slices.Contains(b.Firmware, firmware) }

// Names lists the boards that are built in, sorted.
func Names() []string {
	files, err := fs.Glob(data, "data/*.yaml")
	if err != nil {
		return nil // the pattern is constant: Glob fails on bad patterns only
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return files
}

// Load returns the built-in board of that name, or an error that wraps ErrUnknown and lists what there is.
func Load(name string) (Board, error) {
	f, err := data.Open("data/" + path.Base(name) + ".yaml")
	if err != nil {
		return Board{}, fmt.Errorf("board %q: %w: choose one of %s", name, ErrUnknown, strings.Join(Names(), ", "))
	}
	defer f.Close()
	b, err := Parse(f)
	if err != nil {
		return Board{}, fmt.Errorf("board %q: %w", name, err)
	}
	if b.Name != name {
		return Board{}, fmt.Errorf("board %q: name: is %q, must be that of its file", name, b.Name)
	}
	return b, nil
}

// Parse reads one profile and validates it. Unknown keys are errors.
func Parse(r io.Reader) (Board, error) {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return Board{}, fmt.Errorf("read: %w", err)
	}
	var b Board
	if err := yaml.Load(raw, &b, yaml.WithKnownFields(), yaml.WithUniqueKeys()); err != nil {
		return Board{}, fmt.Errorf("parse: %w", err)
	}
	if err := b.validate(); err != nil {
		return Board{}, err
	}
	return b, nil
}
