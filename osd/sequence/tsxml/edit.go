package tsxml

import (
	"slices"
	"strings"
)

// edit puts text in place of a part of a document.
type edit struct {
	start, end int
	text       string
}

// apply makes edits. Those at one place stay in order; one inside of another is left out.
func apply(src string, edits []edit) string {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue
		}
		b.WriteString(src[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(src[at:])
	return b.String()
}

// selfClosing says whether an element is written <a/>.
func (e *element) selfClosing() bool { return e.name != "" && e.close == e.end }

// setContent puts XML in place of all that an element holds.
func (e *element) setContent(xml string) edit {
	if e.selfClosing() {
		return edit{e.end - len("/>"), e.end, ">" + xml + "</" + e.name + ">"}
	}
	return edit{e.open, e.close, xml}
}

// add puts XML behind all that an element holds.
func (e *element) add(xml string) edit {
	if e.selfClosing() {
		return e.setContent(xml)
	}
	return edit{e.close, e.close, xml}
}

// setAttr sets an attribute.
func (d *document) setAttr(e *element, name, value string) edit {
	if from, to, ok := attrRange(d.src[e.start:e.open], name); ok {
		return edit{e.start + from, e.start + to, `"` + quote(value) + `"`}
	}
	at := e.start + 1 + len(e.name)
	return edit{at, at, " " + name + `="` + quote(value) + `"`}
}

// attrRange finds the value of an attribute, with its quotes, in a start tag that is well-formed.
func attrRange(tag, name string) (from, to int, ok bool) {
	const space = " \t\r\n"
	i := strings.IndexAny(tag, space+"/>")
	for i < len(tag) {
		i += len(tag[i:]) - len(strings.TrimLeft(tag[i:], space))
		equals := strings.IndexByte(tag[i:], '=')
		if equals < 0 {
			break
		}
		key := strings.TrimRight(tag[i:i+equals], space)
		i += equals + 1
		i += len(tag[i:]) - len(strings.TrimLeft(tag[i:], space))
		length := strings.IndexByte(tag[i+1:], tag[i])
		if length < 0 {
			break
		}
		if key == name {
			return i, i + length + 2, true
		}
		i += length + 2
	}
	return 0, 0, false
}

// valid keeps the characters that XML can hold.
func valid(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// quote writes a text as the value of an attribute in double quotes.
func quote(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;").Replace(valid(s))
}

// escape writes a text as character data.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;").Replace(valid(s))
}
