package osd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// BootImage is what a target boots into to be deployed (guide, tables 11 to
// 13): its content holds vmlinuz, initrd and uki.efi, or what Windows says.
type BootImage struct {
	Meta         `yaml:",inline"`
	Content      `yaml:",inline"`
	Distribution `yaml:",inline"`
	// Architecture is ArchX64 or ArchARM64; ArchX64 when left out.
	Architecture string `json:"architecture,omitempty" yaml:"architecture,omitempty"`
	// Agent is AgentNone for an image in which no agent of ours runs: the box
	// serves it as it is, and hears nothing of it.
	Agent string `json:"agent,omitempty" yaml:"agent,omitempty"`
	// StartUnasked accepts, with AgentNone, that machines whose firmware cannot ask for
	// F12 start the image with nobody present, as often as they boot from the network and
	// it is offered. Machines that the site does not know never do.
	StartUnasked bool `json:"startUnasked,omitempty" yaml:"startUnasked,omitempty"`
	// CommandSupport gives a shell to whoever stands at a machine in this boot image at
	// which a task sequence failed: root, without a question. For testing only.
	CommandSupport bool `json:"commandSupport,omitempty" yaml:"commandSupport,omitempty"`
	// Windows is set for an image that starts Windows PE.
	Windows *WindowsBoot `json:"windows,omitempty" yaml:"windows,omitempty"`
}

// The architectures of boot images.
const (
	ArchX64   = "x64"
	ArchARM64 = "arm64"
)

// AgentNone says that a boot image holds no agent.
const AgentNone = "none"

// WindowsBoot is how a boot.wim is started, without any loader of ours.
type WindowsBoot struct {
	// File is the path of the WIM inside the content; the import writes it.
	File string `json:"file,omitempty" yaml:"file,omitempty"`
	// AskF12 starts BIOS machines by pxeboot.com, which waits for F12, instead of
	// pxeboot.n12.
	AskF12 bool `json:"askF12,omitempty" yaml:"askF12,omitempty"`
	// BootManager is BootManager2023 for the boot manager that is signed by the CA of
	// 2023; the one of 2011 when left out.
	BootManager string `json:"bootManager,omitempty" yaml:"bootManager,omitempty"`
	// BlockSize, in bytes, and WindowSize, in blocks, are those of TFTP that the BCD
	// tells the boot manager; DefaultBlockSize and DefaultWindowSize when left out.
	BlockSize  int `json:"blockSize,omitempty" yaml:"blockSize,omitempty"`
	WindowSize int `json:"windowSize,omitempty" yaml:"windowSize,omitempty"`
}

// The choices and defaults of WindowsBoot.
const (
	BootManager2011   = "2011"
	BootManager2023   = "2023"
	DefaultBlockSize  = 1456 // with headers below an MTU of 1500
	DefaultWindowSize = 16
)

// Arch is Architecture or its default.
func (b *BootImage) Arch() string { return cmp.Or(b.Architecture, ArchX64) }

// ObjectKind implements Object.
func (b *BootImage) ObjectKind() Kind { return KindBootImage }

// Validate implements Object.
func (b *BootImage) Validate() error {
	errs := slices.Concat(b.Meta.validate(), b.Content.validate(), b.Distribution.validate())
	if !slices.Contains([]string{ArchX64, ArchARM64}, b.Arch()) {
		errs = append(errs, &FieldError{"architecture", b.Architecture, "give x64 or arm64: 32-bit machines cannot run a boot image"})
	}
	if b.Agent != "" && b.Agent != AgentNone {
		errs = append(errs, &FieldError{"agent", b.Agent, "give none, or leave it out"})
	}
	if b.StartUnasked && b.Agent != AgentNone {
		errs = append(errs, &FieldError{"startUnasked", "true", "is for agent: none; an agent asks by itself"})
	}
	if b.CommandSupport && (b.Agent == AgentNone || b.Windows != nil) {
		errs = append(errs, &FieldError{"commandSupport", "true", "is for boot images of `bootward bootimage build`, whose agent gives the shell: leave it out"})
	}
	if w := b.Windows; w != nil {
		errs = append(errs, w.validate()...)
		if b.Arch() != ArchX64 {
			errs = append(errs, &FieldError{"architecture", b.Architecture, "boot images of Windows are started on x64 only"})
		}
	}
	return errors.Join(errs...)
}

func (w *WindowsBoot) validate() []error {
	var errs []error
	if !slices.Contains([]string{"", BootManager2011, BootManager2023}, w.BootManager) {
		errs = append(errs, &FieldError{"windows.bootManager", w.BootManager, "give 2011 or 2023"})
	}
	if w.BlockSize != 0 && (w.BlockSize < 512 || w.BlockSize > 16384) {
		errs = append(errs, &FieldError{"windows.blockSize", fmt.Sprint(w.BlockSize), "give 512 to 16384 bytes"})
	}
	if w.WindowSize < 0 || w.WindowSize > 64 {
		errs = append(errs, &FieldError{"windows.windowSize", fmt.Sprint(w.WindowSize), "give 1 to 64 blocks"})
	}
	return errs
}
