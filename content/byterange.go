package content

import (
	"errors"
	"strconv"
	"strings"
)

// errRange says that no byte of the file was asked for (416).
var errRange = errors.New("range not satisfiable")

// parseRange reads a Range header (RFC 9110, section 14.2) for a file of size
// bytes. partial is false where the whole file is to be sent: no header,
// another unit, or several ranges, which a server may ignore.
func parseRange(header string, size int64) (offset, length int64, partial bool, err error) {
	unit, set, ok := strings.Cut(header, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || strings.Contains(set, ",") {
		return 0, size, false, nil
	}
	first, last, ok := strings.Cut(strings.TrimSpace(set), "-")
	if !ok {
		return 0, 0, false, errRange
	}
	if first == "" { // the last n bytes
		n, err := parsePosition(last)
		if err != nil || n == 0 || size == 0 {
			return 0, 0, false, errRange
		}
		n = min(n, size)
		return size - n, n, true, nil
	}
	from, err := parsePosition(first)
	if err != nil || from >= size {
		return 0, 0, false, errRange
	}
	to := size - 1
	if last != "" {
		if to, err = parsePosition(last); err != nil || to < from {
			return 0, 0, false, errRange
		}
		to = min(to, size-1)
	}
	return from, to - from + 1, true, nil
}

// parsePosition takes digits only, no sign.
func parsePosition(s string) (int64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, errRange
	}
	return strconv.ParseInt(s, 10, 64)
}
