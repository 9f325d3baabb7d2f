package tftp

import (
	"errors"
	"path"
	"strings"
)

// errName is the answer to names that can be no boot file.
var errName = errors.New("file not found")

const maxName = 255

// Normalise turns the name in a request into the form that Open is asked for:
// forward slashes, lower case, no leading or doubled slash, no "." element. Names
// with "..", control characters, bytes outside ASCII, or of more than 255 bytes are
// refused. Firmware differs: Windows loaders send backslashes, some ROMs a leading
// slash, others capitals. The result is a fixed point: normalising it again
// changes nothing.
func Normalise(name string) (string, error) {
	if len(name) > maxName {
		return "", errName
	}
	for i := range len(name) {
		if name[i] < 0x20 || name[i] > 0x7e {
			return "", errName
		}
	}
	n := strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
	for e := range strings.SplitSeq(n, "/") {
		if e == ".." {
			return "", errName
		}
	}
	n = strings.TrimPrefix(path.Clean("/"+n), "/")
	if n == "" {
		return "", errName
	}
	return n, nil
}
