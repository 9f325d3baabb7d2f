package machine

import (
	"errors"
	"fmt"
	"io/fs"
)

// secureBootVariable is in efivarfs four bytes of attributes and one that is 1 while
// the firmware starts what is signed only (UEFI 2.10, 3.3 and 32.5.1).
const secureBootVariable = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

// SecureBootState is what _TSSecureBoot says: Enabled, Disabled, or NA on a machine that has no
// Secure Boot.
func SecureBootState(sys fs.FS) string {
	if _, err := fs.Stat(sys, secureBootVariable); err != nil {
		return "NA"
	}
	if on, err := secureBoot(sys); err != nil || !on {
		return "Disabled"
	}
	return "Enabled"
}

// secureBoot says whether Secure Boot is on; sys is /sys. Where there is no such
// variable, as on BIOS, it is off.
func secureBoot(sys fs.FS) (bool, error) {
	raw, err := fs.ReadFile(sys, secureBootVariable)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look whether Secure Boot is on: %w", err)
	}
	return len(raw) == 5 && raw[4] == 1, nil
}
