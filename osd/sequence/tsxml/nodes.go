package tsxml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

// What the model takes.
const (
	maxNodes  = 1000
	maxGroups = 10 // deep in each other
)

// importer makes the model of a document.
type importer struct {
	doc      *document
	first    int // line of the outermost document where doc begins
	codecs   map[sequence.Type]codec
	path     []string
	warnings []Warning
	named    map[string]bool // objects of the other site that were warned of
}

func newImporter(doc *document, first int) *importer {
	return &importer{doc: doc, first: first, codecs: codecs(), named: map[string]bool{}}
}

func (im *importer) warn(e *element, text string, args ...any) {
	line := im.doc.line(e.start) + im.first - 1
	im.warnings = append(im.warnings, Warning{max(line, 1), strings.Join(im.path, " > "), fmt.Sprintf(text, args...)})
}

// maxWarnings bounds what is read by people, of each kind.
const maxWarnings = 500

// limited says how many warnings are not in the list.
func limited(all []Warning) []Warning {
	if len(all) <= maxWarnings {
		return all
	}
	last := all[maxWarnings-1]
	last.Text = fmt.Sprintf("%d more warnings of this kind: %s", len(all)-maxWarnings, last.Text)
	return append(all[:maxWarnings-1:maxWarnings-1], last)
}

func sorted(all []Warning) []Warning {
	slices.SortStableFunc(all, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	return all
}

func (im *importer) nodes(in *element, depth int) []sequence.Node {
	var out []sequence.Node
	seen := map[string]int{}
	for _, e := range in.elements("group", "step") {
		im.path = append(im.path, nodeName(e))
		seen[e.attr("name")]++
		if seen[e.attr("name")] == 2 && e.attr("name") != "" {
			im.warn(e, "another node beside it has this name: reports tell them apart by their number")
		}
		out = append(out, im.node(e, depth))
		im.path = im.path[:len(im.path)-1]
	}
	return out
}

func (im *importer) node(e *element, depth int) sequence.Node {
	if e.name == "group" {
		return im.group(e, depth)
	}
	s := im.step(e)
	s.Common().Imported = im.doc.raw(e)
	return sequence.Node{Step: s}
}

func (im *importer) group(e *element, depth int) sequence.Node {
	if len(e.elements("group", "step")) == 0 {
		im.warn(e, "the group is empty: it is kept as a step that does nothing")
		return sequence.Node{Step: im.unknown(e)}
	}
	if depth > maxGroups {
		im.warn(e, "groups stand more than %d deep in each other: the group is kept, disabled, as one step; move it up", maxGroups)
		return sequence.Node{Step: im.unknown(e)}
	}
	g := im.groupAlone(e)
	g.Steps = im.nodes(e, depth+1)
	g.Imported = keptGroup(im.doc, e)
	return sequence.Node{Group: g}
}

// groupAlone is a group without what it holds.
func (im *importer) groupAlone(e *element) *sequence.Group {
	o := im.options(e)
	g := &sequence.Group{Name: o.Name, Description: o.Description, Disabled: o.Disabled, ContinueOnError: o.ContinueOnError}
	if g.Name == "" {
		g.Name = "Group"
		im.warn(e, "the group has no name: it is called %s here", g.Name)
	}
	condition, err := im.condition(e)
	if err != nil {
		g.Disabled = true
		im.warn(e, "its condition cannot be expressed: %v: the group is disabled, without condition; the condition is kept for export", err)
	}
	g.Condition = condition
	return g
}

// step makes the model of a step, or one that is kept and disabled.
func (im *importer) step(e *element) sequence.Step {
	s := im.known(e)
	if s == nil {
		im.warn(e, "steps of type %s are not known: it is kept, disabled", typeOf(e))
		return im.unknown(e)
	}
	condition, err := im.condition(e)
	if err != nil {
		im.warn(e, "its condition cannot be expressed: %v: the step is kept, disabled", err)
		return im.unknown(e)
	}
	*s.Common() = im.stepOptions(e, s.Type())
	s.Common().Condition = condition
	if err := problem(sequence.Node{Step: s}); err != nil {
		im.warn(e, "%v: the step is kept, disabled", err)
		return im.unknown(e)
	}
	im.foreign(e, s)
	return s
}

// known reads the fields of a step of a type that the model has; nil for others.
func (im *importer) known(e *element) sequence.Step {
	t := typeOf(e)
	if isToolkit(t) && action(e) != "" {
		im.warn(e, "%s is a step of the deployment toolkit: it came in as the command that it runs; its settings are kept for export", t)
		s := &sequence.RunCommandLine{Command: action(e)}
		if m := runForm.FindStringSubmatch(s.Command); m != nil {
			s.Package, s.Command = m[1], strings.TrimSpace(m[2])
		}
		return s
	}
	for _, info := range sequence.Types() {
		if info.XML != "" && strings.EqualFold(info.XML, t) {
			in := newInput(e)
			in.warn = func(text string, args ...any) { im.warn(e, text, args...) }
			return im.codecs[info.Type].read(in)
		}
	}
	return nil
}

// unknown makes the step that stands for what the model cannot have. It never runs.
func (im *importer) unknown(e *element) *sequence.Unknown {
	o := im.options(e)
	o.Disabled = true
	if c, err := im.condition(e); err == nil {
		o.Condition = c
	}
	o.Imported = im.doc.raw(e)
	return &sequence.Unknown{Options: o, XML: typeOf(e)}
}

// typeOf is the type of a step. The deployment toolkit leaves it out for commands.
func typeOf(e *element) string {
	if e.name == "group" {
		return "group"
	}
	return cmp.Or(strings.TrimSpace(e.attr("type")), "SMS_TaskSequence_RunCommandLineAction")
}

// isToolkit says whether a type is one of the deployment toolkit's own: a page of its editor for
// the settings of a script, which the step runs as a command.
func isToolkit(t string) bool { return len(t) > 4 && strings.EqualFold(t[:4], "BDD_") }

// action is the command line of a step.
func action(e *element) string {
	if a := e.first("action"); a != nil {
		return strings.TrimSpace(a.text())
	}
	return ""
}

// problem says why a node is not valid.
func problem(n sequence.Node) error {
	err := (&sequence.Sequence{Meta: osd.Meta{Name: "x"}, Steps: []sequence.Node{n}}).Validate()
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s", strings.TrimPrefix(text, "steps[0]."))
}

// foreign warns once of each object that a step names: it is the other site's.
func (im *importer) foreign(e *element, s sequence.Step) {
	all := (&sequence.Sequence{Steps: []sequence.Node{{Step: s}}}).References()
	for _, r := range all {
		if r.Name == sequence.ImagingTools || im.named[string(r.Kind)+r.Name] {
			continue
		}
		im.named[string(r.Kind)+r.Name] = true
		im.warn(e, "it names the %s %q of the other site: name one of this site's", r.Kind.Word(), r.Name)
	}
}
