package osd

import (
	"errors"
	"regexp"
	"slices"
)

// Content says which content an object has: a manifest in the content store.
type Content struct {
	// Manifest is the digest of the manifest's payload ("sha256:" and 64
	// hexadecimal digits); empty until content was imported.
	Manifest string `json:"manifest,omitempty" yaml:"manifest,omitempty"`
	// Bytes is the size of all files together.
	Bytes int64 `json:"bytes,omitempty" yaml:"bytes,omitempty"`
}

var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (c Content) validate() []error {
	if c.Manifest != "" && !digest.MatchString(c.Manifest) {
		return []error{&FieldError{"manifest", c.Manifest, "give sha256: and 64 hexadecimal digits, or leave it out"}}
	}
	return nil
}

// Package is software, or any tree of files, that sequences use (guide,
// tables 5 to 7).
type Package struct {
	Meta         `yaml:",inline"`
	Content      `yaml:",inline"`
	Distribution `yaml:",inline"`
	Version      string `json:"version,omitempty" yaml:"version,omitempty"`
	Manufacturer string `json:"manufacturer,omitempty" yaml:"manufacturer,omitempty"`
	Language     string `json:"language,omitempty" yaml:"language,omitempty"`
	// Programs are the command lines that sequences run by name.
	Programs []Program `json:"programs,omitempty" yaml:"programs,omitempty"`
}

// ObjectKind implements Object.
func (p *Package) ObjectKind() Kind { return KindPackage }

// Validate implements Object.
func (p *Package) Validate() error {
	return errors.Join(slices.Concat(p.Meta.validate(), p.Content.validate(), p.Distribution.validate(), p.validatePrograms())...)
}

// Image is an operating system image: a WIM file (guide, tables 25 to 27).
type Image struct {
	Meta         `yaml:",inline"`
	Content      `yaml:",inline"`
	Distribution `yaml:",inline"`
	Version      string `json:"version,omitempty" yaml:"version,omitempty"`
	// File is the path of the WIM inside the content.
	File string `json:"file,omitempty" yaml:"file,omitempty"`
	// Indexes describes the images inside the WIM, the first is index 1.
	Indexes []ImageIndex `json:"indexes,omitempty" yaml:"indexes,omitempty"`
}

// ImageIndex is what a WIM's metadata says of one of its images.
type ImageIndex struct {
	Name        string `json:"name,omitempty" yaml:"name,omitempty"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	// TotalBytes is the space that the applied image needs.
	TotalBytes int64 `json:"totalBytes,omitempty" yaml:"totalBytes,omitempty"`
}

// ObjectKind implements Object.
func (i *Image) ObjectKind() Kind { return KindImage }

// Validate implements Object.
func (i *Image) Validate() error {
	return errors.Join(slices.Concat(i.Meta.validate(), i.Content.validate(), i.Distribution.validate())...)
}
