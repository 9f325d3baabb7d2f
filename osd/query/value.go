package query

import (
	"cmp"
	"strings"
)

// Value is one value of a property, or a literal of a query.
type Value struct {
	folded string // in lower case
	number bool   // a number, not a text that looks like one
}

func textValue(s string) Value { return Value{folded: strings.ToLower(s)} }

// truthValue is a truth: 1 or 0, as WMI has it in comparisons.
func truthValue(b bool) Value {
	if b {
		return Value{"1", true}
	}
	return Value{"0", true}
}

// compare compares two values as numbers if one of them is a number and the
// other reads as one, else as texts without regard to case. Two texts are never
// numbers: the serial numbers 0012 and 12 belong to two machines.
func compare(a, b Value) int {
	if a.number || b.number {
		x, okX := decimalOf(a.folded)
		y, okY := decimalOf(b.folded)
		if okX && okY {
			return x.compare(y)
		}
	}
	return strings.Compare(a.folded, b.folded)
}

// decimal is a number without loss: floating point would take long serial
// numbers for equal that are not.
type decimal struct {
	negative        bool
	whole, fraction string // digits without zeros that do not count
}

// decimalOf reads digits with at most one point and a leading minus. Exponents,
// inf and nan are texts.
func decimalOf(s string) (decimal, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || pointed && fraction == "" {
		return decimal{}, false
	}
	d := decimal{negative, strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")}
	if d.whole == "" && d.fraction == "" {
		d.negative = false
	}
	return d, true
}

func (d decimal) compare(e decimal) int {
	if d.negative != e.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	n := cmp.Or(cmp.Compare(len(d.whole), len(e.whole)), strings.Compare(d.whole, e.whole), strings.Compare(d.fraction, e.fraction))
	if d.negative {
		return -n
	}
	return n
}
