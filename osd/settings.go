package osd

import (
	"errors"
	"fmt"
	"strings"
)

// SettingsName is the name of the one SiteSettings object.
const SettingsName = "site"

// SiteSettings are what holds for the whole site. There is one, named `site`.
type SiteSettings struct {
	Meta `yaml:",inline"`
	// Organisation stands on the targets' screens.
	Organisation string `json:"organisation,omitempty" yaml:"organisation,omitempty"`
	// WelcomeText is shown before a person chooses; 500 bytes at most.
	WelcomeText string `json:"welcomeText,omitempty" yaml:"welcomeText,omitempty"`
	// SharedMACs are addresses of docks and dongles that go from machine to
	// machine: they identify nobody. Three bytes are a maker's whole range.
	SharedMACs []string `json:"sharedMACs,omitempty" yaml:"sharedMACs,omitempty"`
	// SharedGUIDs are SMBIOS GUIDs that a maker gave to more than one machine: they
	// identify nobody either.
	SharedGUIDs []string `json:"sharedGUIDs,omitempty" yaml:"sharedGUIDs,omitempty"`
	// ComputerName is the template of names for machines that were not
	// imported, where neither advertisement nor collection has one.
	ComputerName string `json:"computerName,omitempty" yaml:"computerName,omitempty"`
	// ClientAgent lets the agent stay in systems that are deployed from now on, as
	// the client that runs advertisements to running clients. Otherwise nothing of
	// it stays.
	ClientAgent bool `json:"clientAgent,omitempty" yaml:"clientAgent,omitempty"`
}

// ObjectKind implements Object.
func (s *SiteSettings) ObjectKind() Kind { return KindSettings }

// Validate implements Object.
func (s *SiteSettings) Validate() error {
	errs := s.validate()
	if s.Name != SettingsName {
		errs = append(errs, &FieldError{"name", s.Name, "the settings of the site are called " + SettingsName})
	}
	for i, m := range s.SharedMACs {
		if _, err := NormalizeMACPrefix(m); err != nil {
			errs = append(errs, &FieldError{fmt.Sprintf("sharedMACs[%d]", i), m, "give six bytes in hexadecimal, or the three of a maker, such as 00:50:b6"})
		}
	}
	for i, g := range s.SharedGUIDs {
		if _, err := NormalizeGUID(g); err != nil {
			errs = append(errs, &FieldError{fmt.Sprintf("sharedGUIDs[%d]", i), g, "give 32 hexadecimal digits, such as 03000200-0400-0500-0006-000700080009"})
		}
	}
	for field, text := range map[string]string{"welcomeText": s.WelcomeText, "organisation": s.Organisation} {
		if len(text) > 500 || strings.ContainsFunc(text, func(r rune) bool { return isControl(r) && r != '\n' }) {
			errs = append(errs, &FieldError{field, text, "give at most 500 bytes of plain text"})
		}
	}
	return errors.Join(append(errs, checkNameTemplate("computerName", s.ComputerName)...)...)
}

// Shared says whether an address, in normal form, is one that identifies nobody.
func (s *SiteSettings) Shared(mac string) bool {
	for _, m := range s.SharedMACs {
		if p, err := NormalizeMACPrefix(m); err == nil && strings.HasPrefix(mac, p) {
			return true
		}
	}
	return false
}

// GUID gives an SMBIOS GUID in normal form, or "" for one that identifies nobody:
// that of a machine that has none, or one of SharedGUIDs.
func (s *SiteSettings) GUID(guid string) string {
	n, err := NormalizeGUID(guid)
	if err != nil {
		return ""
	}
	for _, g := range s.SharedGUIDs {
		if shared, err := NormalizeGUID(g); err == nil && shared == n {
			return ""
		}
	}
	return n
}

// NormalizeMACPrefix gives a hardware address, or the three bytes of its
// maker, in the form of NormalizeMAC.
func NormalizeMACPrefix(s string) (string, error) {
	if _, err := hexDigits(s, 6); err == nil {
		full, err := NormalizeMAC(s + "000000")
		return full[:min(len(full), len("aa:bb:cc"))], err
	}
	return NormalizeMAC(s)
}

// checkNameTemplate looks at the fixed part of a template of computer names.
func checkNameTemplate(field, template string) []error {
	fixed := ""
	for i, part := range strings.Split(template, "%") {
		if i%2 == 0 {
			fixed += part
		}
	}
	bad := strings.Count(template, "%")%2 != 0 || len(fixed) > 15 || template != "" && !nameChars(fixed)
	if bad {
		return []error{&FieldError{field, template, "give letters, digits and hyphens, and variables between percent signs, such as W12-%_SMSTSSerialNumber:-8%; 15 characters in all"}}
	}
	return nil
}

func nameChars(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
