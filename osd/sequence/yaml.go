package sequence

import (
	"strconv"

	yaml "go.yaml.in/yaml/v4"

	"github.com/bootward/bootward/osd/document/strict"
)

// DecodeStrict implements strict.Custom: the key of a node is `group`, or the
// type of a step.
func (n *Node) DecodeStrict(d *strict.Decoder, y *yaml.Node, path string) {
	pairs := d.Mapping(y, path)
	if pairs == nil {
		if y.Kind == yaml.MappingNode && len(y.Content) == 0 {
			d.Fail(y, path, "give `group:` or the type of a step", "the step is empty")
		}
		return
	}
	for _, p := range pairs {
		if p.Key == "group" {
			n.Group = new(Group)
			d.Fields(y, path, n.Group, nil)
			return
		}
	}
	for i, p := range pairs {
		step := New(Type(p.Key))
		switch {
		case step == nil:
			d.Fail(p.Name, strict.Join(path, p.Key), "known: group, "+typeList(), "the type of step %q is not known", p.Key)
		case i > 0:
			d.Fail(p.Name, strict.Join(path, p.Key), "begin another list entry with a hyphen; options of the step stand below its type", "a step has one type")
		default:
			n.Step = step
			if p.Value.Kind == yaml.ScalarNode && p.Value.ShortTag() == "!!null" {
				d.Fail(p.Value, strict.Join(path, p.Key), "write {} for a step without options", "the step has nothing below it")
				continue
			}
			d.Fields(p.Value, strict.Join(path, p.Key), step, nil)
		}
	}
}

func typeList() string {
	s := ""
	for i, t := range Types() {
		if i > 0 {
			s += ", "
		}
		s += string(t.Type)
	}
	return s
}

// EncodeYAML writes the sequence as an administrator would: block style, keys
// in the order of the types' fields, ready for `bootward apply`.
func (s *Sequence) EncodeYAML() ([]byte, error) {
	raw, err := s.Canonical()
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil { // JSON is YAML
		return nil, err
	}
	root := doc.Content[0]
	block(root)
	root.Content[0].Value = "kind"
	root.Content[1].SetString(string(s.ObjectKind()))
	if s.Comment != "" {
		key, value := new(yaml.Node), new(yaml.Node)
		key.SetString("comment")
		value.SetString(s.Comment)
		root.Content = append(root.Content, key, value)
	}
	return yaml.Marshal(&doc)
}

// block undoes the flow style and the quotes that JSON needs, and keeps the
// quotes of strings that would be read as something else.
func block(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	for _, c := range n.Content {
		block(c)
	}
}
