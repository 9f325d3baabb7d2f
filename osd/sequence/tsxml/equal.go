package tsxml

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// Equal compares two documents and describes the first difference. The order of attributes, white
// space between elements, the form of empty elements and the encoding do not count; all else does,
// also comments.
func Equal(a, b []byte) (bool, string) {
	docs := make([]*document, 2)
	for i, raw := range [][]byte{a, b} {
		src, err := decode(bytes.NewReader(raw))
		if err == nil {
			docs[i], err = parse(src, false)
		}
		if err != nil {
			return false, fmt.Sprintf("document %d: %v", i+1, err)
		}
	}
	difference := compare(docs[0].top, docs[1].top, "")
	return difference == "", difference
}

func compare(a, b *element, path string) string {
	if a.name != b.name {
		return fmt.Sprintf("%s: <%s> became <%s>", path, a.name, b.name)
	}
	path += "/" + a.name
	if d := compareAttrs(a, b, path); d != "" {
		return d
	}
	x, y := significant(a), significant(b)
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return path + ": there is more: " + y[i].describe()
		case i >= len(y):
			return path + ": this is gone: " + x[i].describe()
		case x[i].el != nil && y[i].el != nil:
			if d := compare(x[i].el, y[i].el, fmt.Sprintf("%s[%d]", path, i+1)); d != "" {
				return d
			}
		case x[i].el != nil || y[i].el != nil || x[i].describe() != y[i].describe():
			return fmt.Sprintf("%s: %s became %s", path, x[i].describe(), y[i].describe())
		}
	}
	return ""
}

func compareAttrs(a, b *element, path string) string {
	list := func(e *element) []string {
		byName := slices.SortedFunc(slices.Values(e.attrs), func(a, b xml.Attr) int { return cmp.Compare(qualified(a.Name), qualified(b.Name)) })
		var all []string
		for _, at := range byName {
			all = append(all, fmt.Sprintf("%s=%q", qualified(at.Name), at.Value))
		}
		return all
	}
	if x, y := list(a), list(b); !slices.Equal(x, y) {
		return fmt.Sprintf("%s: attributes %s became %s", path, x, y)
	}
	return ""
}

// significant is what an element holds, with texts joined and without what does not count.
func significant(e *element) []kid {
	var out []kid
	for _, k := range e.kids {
		if k.text != nil && len(out) > 0 && out[len(out)-1].text != nil {
			joined := *out[len(out)-1].text + *k.text
			out[len(out)-1].text = &joined
			continue
		}
		out = append(out, k)
	}
	leaf := len(e.elements()) == 0 && e.name != ""
	return slices.DeleteFunc(out, func(k kid) bool {
		switch {
		case k.text != nil:
			return *k.text == "" || !leaf && strings.TrimSpace(strings.TrimPrefix(*k.text, "\ufeff")) == ""
		case k.el == nil:
			return strings.HasPrefix(k.other, "<?xml ")
		}
		return false
	})
}

func (k kid) describe() string {
	switch {
	case k.el != nil:
		return "<" + k.el.name + ">"
	case k.text != nil:
		return fmt.Sprintf("the text %q", *k.text)
	}
	return k.other
}
