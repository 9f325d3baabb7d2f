package settings

import (
	_ "embed"
	"strings"
)

// windowsZones holds lines of Windows' name, tab, name in the IANA database.
//
//go:embed windowszones.txt
var windowsZones string

// Zone gives the name that the IANA database has for a time zone. Windows' names, such as
// "GMT Standard Time", are looked up without regard to case; any other name is left as it is.
func Zone(name string) string {
	for line := range strings.Lines(windowsZones) {
		windows, iana, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && strings.EqualFold(windows, name) {
			return iana
		}
	}
	return name
}
