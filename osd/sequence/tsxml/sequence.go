package tsxml

import (
	"cmp"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

func (im *importer) sequence(h *holder, name string) *sequence.Sequence {
	s := &sequence.Sequence{Imported: h.kept()}
	s.Name = cmp.Or(sequenceName(name), sequenceName(h.at.attr("name")), sequenceName(h.packageName()), "Imported task sequence")
	if name != "" && s.Name != name {
		im.warn(h.at, "the name %q was changed to %q: at most 127 bytes, none of them a control character", name, s.Name)
	}
	s.Comment = clean(h.at.attr("description"), 4096)
	s.Variables = im.variables(h.at)
	if id := h.bootImage(); id != "" {
		im.warn(h.at, "it names the boot image %s of the other site: name one of this site's", id)
	}
	s.Steps = im.nodes(h.at, 1)
	im.strays(h)
	return s
}

// sequenceName makes a name that is valid, or an empty one.
func sequenceName(s string) string {
	s = strings.TrimSpace(clean(strings.ReplaceAll(s, "\n", " "), 127))
	for len(s) > 127 {
		s = strings.TrimRight(s, " ")
		runes := []rune(s)
		s = string(runes[:len(runes)-1])
	}
	return strings.TrimSpace(strings.ReplaceAll(s, "\x7f", " "))
}

// packageText is the text of a field that an export has beside its sequence.
func (h *holder) packageText(name string) string {
	doc := h.doc
	if h.outer != nil {
		doc = h.outer
	}
	if root := doc.root(); root != nil && root != h.at {
		if e := root.first(name); e != nil {
			return e.text()
		}
	}
	return ""
}

func (h *holder) packageName() string { return h.packageText("Name") }
func (h *holder) bootImage() string   { return strings.TrimSpace(h.packageText("BootImageID")) }

// variables reads those that are set before the first step.
func (im *importer) variables(at *element) map[string]string {
	out, seen := map[string]string{}, map[string]string{} // seen by lower-case name
	for _, list := range at.elements("globalVarList") {
		for _, v := range list.elements("variable") {
			name, value := cmp.Or(v.attr("name"), v.attr("property")), v.text()
			before, twice := seen[strings.ToLower(name)]
			switch err := sequence.CheckName(name); {
			case value == "": // where these come from, it is one that does not exist
			case err != nil:
				im.warn(v, "%v: it is kept for export and not set", err)
			case twice && before == value:
			case twice:
				im.warn(v, "variable %s is set twice: the first value counts", name)
			default:
				out[name], seen[strings.ToLower(name)] = value, value
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// strays warns of groups and steps in places where none are read.
func (im *importer) strays(h *holder) {
	count, line := 0, h.at
	var look func(e *element, inside bool)
	look = func(e *element, inside bool) {
		for _, k := range e.elements() {
			if isNode(k) && !inside {
				count++
				line = k
			}
			look(k, inside && isNode(k))
		}
	}
	look(h.at, true)
	if count > 0 {
		im.warn(line, "%d groups or steps stand inside of elements that are not known: they are kept for export and do not run", count)
	}
}
