// Package version orders the version numbers that people and packages write.
package version

import (
	"cmp"
	"strconv"
	"strings"
)

// Compare compares runs of digits as numbers: 6.1.0-9 comes before 6.1.0-10. A version that
// goes on where the other ends is the later one.
func Compare(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".-+~:", r) })
	}
	x, y := split(a), split(b)
	for i := range min(len(x), len(y)) {
		m, err1 := strconv.Atoi(x[i])
		n, err2 := strconv.Atoi(y[i])
		order := strings.Compare(x[i], y[i])
		if err1 == nil && err2 == nil {
			order = cmp.Compare(m, n)
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(x), len(y))
}
