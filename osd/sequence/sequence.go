// Package sequence is the task sequence: its model, its YAML and JSON codecs,
// variables and conditions.
//
// The names of steps, options and variables are those of the guide
// ("Operating System Deployment", System Center Configuration Manager 2007,
// tables 17, 33, 34, 37 and 41); Types holds the table that maps them. The
// package does no I/O and runs nothing: package engine runs a sequence, and the
// agent makes its steps real. Formats: docs/formats/sequence.md.
package sequence

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bootward/bootward/osd"
)

// Format is the format of the JSON document that this package writes and
// reads.
const Format = 1

// ImagingTools is the name of the package with what steps need on the target and the boot
// image lacks: wimlib, mkfs.xfs, mkntfs, cryptsetup and their libraries.
const ImagingTools = "Bootward imaging tools"

// Sequence is a task sequence.
type Sequence struct {
	osd.Meta
	// BootImage is the name of the boot image that runs it. What is for running
	// clients alone needs none.
	BootImage string `json:"bootImage,omitempty"`
	// Variables are set before the first step; those of collections and of
	// the computer come after them and win.
	Variables map[string]string `json:"variables,omitempty"`
	// Questions are asked before it begins where a person chose it.
	Questions []Question `json:"questions,omitempty"`
	Steps     []Node     `json:"steps"`
	Imported  string     `json:"imported,omitempty"` // see Options; without its nodes
}

// Node is one entry of a sequence: a group or a step, exactly one of them.
type Node struct {
	Group *Group
	Step  Step
}

// Group holds nodes that are run, skipped or given up together.
type Group struct {
	// Name is for people, 1 to 50 characters; the key of it is `group`.
	Name        string `json:"group"`
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
	// ContinueOnError goes on behind the group when one of its steps failed.
	ContinueOnError bool       `json:"continueOnError,omitempty"`
	Condition       *Condition `json:"condition,omitempty"`
	Steps           []Node     `json:"steps"`
	Imported        string     `json:"imported,omitempty"` // see Options; without what it holds
	// Runs is the sequence whose steps Inline put here; in no document.
	Runs string `json:"-"`
}

// Options is what every step has.
type Options struct {
	// Name is for people, at most 50 characters; the guide's name of the
	// step's type when left out.
	Name            string     `json:"name,omitempty"`
	Description     string     `json:"description,omitempty"` // at most 256 characters
	Disabled        bool       `json:"disabled,omitempty"`
	ContinueOnError bool       `json:"continueOnError,omitempty"`
	Condition       *Condition `json:"condition,omitempty"`
	// SuccessCodes are the exit codes that count as success; 0 alone when
	// left out.
	SuccessCodes []int `json:"successCodes,omitempty"`
	// Timeout ends the step, which then has failed; none when left out.
	Timeout Duration `json:"timeout,omitzero"`
	Retry   *Retry   `json:"retry,omitempty"`
	// Secrets are variables that hold secrets while the step runs, and not longer:
	// name of the variable, name of the Secret.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Rerunnable says that the step may be started again when a power cut
	// ended it in the middle.
	Rerunnable bool `json:"rerunnable,omitempty"`
	// Imported is the XML that the step was imported from, for export. It does no more than
	// comments do.
	Imported string `json:"imported,omitempty"`
}

// Retry repeats a step that failed.
type Retry struct {
	Count int      `json:"count"`          // 1 to 10 further tries
	Delay Duration `json:"delay,omitzero"` // before each of them
}

// Common gives access to the options of a step.
func (o *Options) Common() *Options { return o }

// Step is one action. The types of this package are all there are.
type Step interface {
	// Type is the YAML key of the step.
	Type() Type
	// Common are the options that every step has.
	Common() *Options
	// check reports what is wrong with the step's own fields.
	check(c *checker)
}

// ObjectKind implements osd.Object.
func (s *Sequence) ObjectKind() osd.Kind { return osd.KindTaskSequence }

// Title is the step's name, or the guide's name of its type.
func Title(s Step) string {
	if n := s.Common().Name; n != "" {
		return n
	}
	return s.Type().Guide()
}

// Reference is an object that a sequence names.
type Reference struct {
	Kind  osd.Kind
	Name  string
	Field string // path of the field, such as steps[0].applyOperatingSystem.image
}

// References lists the objects that the sequence names, in order, each place
// once. Disabled steps count: enabling one must not break a sequence.
func (s *Sequence) References() []Reference {
	var refs []Reference
	if s.BootImage != "" {
		refs = append(refs, Reference{osd.KindBootImage, s.BootImage, "bootImage"})
	}
	walk(s.Steps, "steps", func(path string, n Node) {
		if n.Step == nil {
			return
		}
		path += "." + string(n.Step.Type())
		refs = append(refs, named(n.Step, path)...)
		secrets := n.Step.Common().Secrets
		for _, variable := range slices.Sorted(maps.Keys(secrets)) {
			refs = append(refs, Reference{osd.KindSecret, secrets[variable], path + ".secrets." + variable})
		}
	})
	return refs
}

// named lists the objects that the fields of a step name.
func named(s Step, path string) []Reference {
	image := func(name string) []Reference {
		return []Reference{{osd.KindImage, name, path + ".image"}, {osd.KindPackage, ImagingTools, path}}
	}
	pack := func(name string) []Reference {
		if name == "" {
			return nil
		}
		return []Reference{{osd.KindPackage, name, path + ".package"}}
	}
	switch s := s.(type) {
	case *ApplyOperatingSystem:
		refs := image(s.Image)
		if s.ConfigFile != nil {
			refs = append(refs, Reference{osd.KindPackage, s.ConfigFile.Package, path + ".configFile.package"})
		}
		return refs
	case *ApplyDataImage:
		return image(s.Image)
	case *PartitionDisk:
		if slices.ContainsFunc(s.Volumes, Volume.needsTools) {
			return []Reference{{osd.KindPackage, ImagingTools, path}}
		}
	case *RunTaskSequence:
		return []Reference{{osd.KindTaskSequence, s.Sequence, path + ".sequence"}}
	case *RunCommandLine:
		return pack(s.Package)
	case *RunPowerShellScript:
		return pack(s.Package)
	case *InstallPackage:
		return pack(s.Package)
	case *DownloadPackageContent:
		var refs []Reference
		for i, name := range s.Packages {
			refs = append(refs, Reference{osd.KindPackage, name, fmt.Sprintf("%s.packages[%d]", path, i)})
		}
		return refs
	}
	return nil
}

// SecretNames lists the secrets that steps use, sorted, each once.
func (s *Sequence) SecretNames() []string {
	var names []string
	for _, r := range s.References() {
		if r.Kind == osd.KindSecret {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Destructive says whether a step, also a disabled one, may erase a disk. A sequence that runs
// another one may: Inline says more.
func (s *Sequence) Destructive() bool {
	destructive := false
	walk(s.Steps, "steps", func(_ string, n Node) {
		switch n.Step.(type) {
		case *PartitionDisk, *ApplyOperatingSystem, *ApplyDataImage, *ConvertDiskToDynamic, *RunTaskSequence:
			destructive = true
		}
	})
	return destructive
}
