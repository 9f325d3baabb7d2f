package osd

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Computer is a machine that the site knows (guide, tables 18 and 42). Its
// addresses and GUID are labels: they say who a machine claims to be, never
// that it is so.
type Computer struct {
	Meta `yaml:",inline"`
	// MACs are the hardware addresses, upper or lower case, in any usual
	// notation; NormalizeMAC gives the form that is compared.
	MACs []string `json:"macs,omitempty" yaml:"macs,omitempty"`
	// SMBIOSGUID is the UUID of SMBIOS table 1 in the notation of RFC 9562.
	SMBIOSGUID string `json:"smbiosGUID,omitempty" yaml:"smbiosGUID,omitempty"`
	// Box names the box that serves this computer, before every boundary. It
	// may be left out where boundaries say it, or while the site has one box.
	Box string `json:"box,omitempty" yaml:"box,omitempty"`
	// TPM is the digest of the endorsement key of its TPM 2.0 (tpm.Digest), once a
	// person has approved the machine by its code: it proves who the machine is.
	TPM string `json:"tpm,omitempty" yaml:"tpm,omitempty"`
	// Variables are task sequence variables of this computer alone.
	Variables map[string]string `json:"variables,omitempty" yaml:"variables,omitempty"`
	// Provisional is set for a machine that became known by its own job, until
	// that job has succeeded: Unknown Computers holds it meanwhile.
	Provisional bool `json:"provisional,omitempty" yaml:"provisional,omitempty"`
	// Obsolete is set for a record that another one replaced: its labels
	// identify nobody, and no collection holds it.
	Obsolete bool `json:"obsolete,omitempty" yaml:"obsolete,omitempty"`
	// Former are the IDs of records that were merged into this one: what boxes
	// remember of those is its history.
	Former []string `json:"former,omitempty" yaml:"former,omitempty"`
}

// ObjectKind implements Object.
func (c *Computer) ObjectKind() Kind { return KindComputer }

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// Validate implements Object. The name must serve as a host name
// (RFC 1123, section 2.1), and at least one MAC or the GUID must be given.
func (c *Computer) Validate() error {
	errs := c.validate()
	if !hostName.MatchString(c.Name) {
		errs = append(errs, &FieldError{"name", c.Name, "a computer's name must be a host name: 1 to 63 letters, digits and hyphens"})
	}
	if len(c.MACs) == 0 && c.SMBIOSGUID == "" {
		errs = append(errs, &FieldError{"macs", "", "give at least one MAC or the smbiosGUID"})
	}
	for i, m := range c.MACs {
		switch n, err := NormalizeMAC(m); {
		case err != nil:
			errs = append(errs, &FieldError{fmt.Sprintf("macs[%d]", i), m, "give six bytes in hexadecimal, such as 52:54:00:12:34:56"})
		case !OwnMAC(n):
			errs = append(errs, &FieldError{fmt.Sprintf("macs[%d]", i), m, "no network card has this address (zero, broadcast or multicast): give that of the machine"})
		}
	}
	switch _, err := NormalizeGUID(c.SMBIOSGUID); {
	case c.SMBIOSGUID == "" || err == nil:
	case errors.Is(err, ErrNoGUID):
		errs = append(errs, &FieldError{"smbiosGUID", c.SMBIOSGUID, "leave it out: machines that have no GUID all say this one; give MACs"})
	default:
		errs = append(errs, &FieldError{"smbiosGUID", c.SMBIOSGUID, "give 32 hexadecimal digits, such as 4c4c4544-0042-3510-8052-b4c04f4d3232"})
	}
	if c.TPM != "" && !tpmDigest.MatchString(c.TPM) {
		errs = append(errs, &FieldError{"tpm", c.TPM, "give the SHA-256 of the endorsement key (PKIX, DER): 64 hexadecimal digits in lower case; or leave it out: the site learns it when a person approves the machine"})
	}
	return errors.Join(errs...)
}

// tpmDigest is how endorsement keys are named.
var tpmDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// MaxComputerName is the longest name of a machine that was not imported: more
// does not fit into NetBIOS.
const MaxComputerName = 15

// CheckComputerName says whether a machine that was not imported may be called
// so: 1 to 15 letters, digits and hyphens, not a number alone.
func CheckComputerName(name string) error {
	switch {
	case len(name) > MaxComputerName:
		return fmt.Errorf("computer name %q has %d characters; give at most %d", name, len(name), MaxComputerName)
	case !hostName.MatchString(name):
		return fmt.Errorf("computer name %q: give letters, digits and hyphens; the first and the last are no hyphen", name)
	case strings.Trim(name, "0123456789") == "":
		return fmt.Errorf("computer name %q is a number; give at least one letter", name)
	}
	return nil
}

// LocalPrefix begins the IDs of computers that a box made, by their first job.
const LocalPrefix = "local-"

// Local says whether a box gave an ID, and the site does not know it.
func Local(id string) bool { return strings.HasPrefix(id, LocalPrefix) }

// FreeName is the name, or, when that is taken, the name with a suffix -2, -3 and
// so on, within MaxComputerName.
func FreeName(name string, taken func(string) bool) string {
	free := name
	for n := 2; taken(free); n++ {
		suffix := fmt.Sprintf("-%d", n)
		free = strings.TrimRight(name[:min(len(name), MaxComputerName-len(suffix))], "-") + suffix
	}
	return free
}

// NormalizeMAC gives a hardware address as aa:bb:cc:dd:ee:ff. It takes
// colons, hyphens, dots or nothing between the digits.
func NormalizeMAC(s string) (string, error) {
	h, err := hexDigits(s, 12)
	if err != nil {
		return "", fmt.Errorf("MAC %q: %w", s, err)
	}
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(h[i : i+2])
	}
	return b.String(), nil
}

// OwnMAC says whether a normalized address can be that of one network card: it is
// not zero, and the group bit of its first byte is not set (IEEE 802, section 8.2).
func OwnMAC(mac string) bool {
	return mac != "00:00:00:00:00:00" && strings.IndexByte("13579bdf", mac[1]) < 0
}

// ErrNoGUID is what NormalizeGUID returns for the GUIDs of machines that have none.
var ErrNoGUID = errors.New("it stands for a machine that has none")

// NormalizeGUID gives an SMBIOS GUID in lower case with hyphens (RFC 9562,
// section 4). Braces and missing hyphens are tolerated. All zeros and all ones
// are ErrNoGUID: SMBIOS (DSP0134, 7.2.1) says that such a machine has no GUID, and
// many machines have none.
func NormalizeGUID(s string) (string, error) {
	h, err := hexDigits(strings.Trim(s, "{}"), 32)
	if err != nil {
		return "", fmt.Errorf("GUID %q: %w", s, err)
	}
	if strings.Trim(h, "0") == "" || strings.Trim(h, "f") == "" {
		return "", fmt.Errorf("GUID %q: %w", s, ErrNoGUID)
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

func hexDigits(s string, n int) (string, error) {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= '0' && r <= '9' || r >= 'a' && r <= 'f':
			b.WriteRune(r)
		case r == ':' || r == '-' || r == '.':
		default:
			return "", fmt.Errorf("%q is no hexadecimal digit", r)
		}
	}
	if b.Len() != n {
		return "", fmt.Errorf("%d hexadecimal digits, want %d", b.Len(), n)
	}
	return b.String(), nil
}
