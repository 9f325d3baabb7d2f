package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// document is the JSON form of a sequence: what boxes and agents exchange.
type document struct {
	Format   int      `json:"format"`
	Requires []string `json:"requires,omitempty"`
	Sequence
}

// requireSecrets stands in the requirements of a sequence whose steps use
// secrets: a program that does not know them would run the steps with empty
// passwords.
const requireSecrets = "secrets"

func (s *Sequence) requires() []string {
	if len(s.SecretNames()) == 0 {
		return nil
	}
	return []string{requireSecrets}
}

// Canonical is the JSON document of the sequence. Equal sequences give equal
// bytes: its digest names the version. The ID and the comment are left out,
// which the site may change without another version.
func (s *Sequence) Canonical() ([]byte, error) {
	d := document{Format: Format, Requires: s.requires(), Sequence: *s}
	d.ID, d.Comment = "", ""
	if d.Steps == nil {
		d.Steps = []Node{}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("task sequence %s: %w", s.Name, err)
	}
	return b, nil
}

// Decode reads a JSON document and validates it. Unknown fields are ignored;
// an unknown format, requirement or type of step is refused by its name.
func Decode(b []byte) (*Sequence, error) {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("task sequence: %w", err)
	}
	unknown := slices.DeleteFunc(slices.Clone(d.Requires), func(r string) bool { return r == requireSecrets })
	if d.Format != Format || len(unknown) > 0 {
		return nil, fmt.Errorf("task sequence %q: format %d, requires %q: this program reads format %d and knows no such requirement; update the boot image or the box", d.Name, d.Format, unknown, Format)
	}
	if err := d.Sequence.Validate(); err != nil {
		return nil, fmt.Errorf("task sequence %q: %w", d.Name, err)
	}
	return &d.Sequence, nil
}

// MarshalJSON writes a node as YAML has it: a group by its keys, a step below
// the key of its type.
func (n Node) MarshalJSON() ([]byte, error) {
	switch {
	case n.Group != nil && n.Step == nil:
		return json.Marshal(n.Group)
	case n.Step != nil && n.Group == nil:
		return json.Marshal(map[string]any{string(n.Step.Type()): n.Step})
	}
	return nil, fmt.Errorf("a node must be a group or a step")
}

// UnmarshalJSON reads a node.
func (n *Node) UnmarshalJSON(b []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(b, &keys); err != nil {
		return err
	}
	if _, ok := keys["group"]; ok {
		n.Group = new(Group)
		return json.Unmarshal(b, n.Group)
	}
	for _, t := range Types() {
		if raw, ok := keys[string(t.Type)]; ok {
			step := t.make()
			n.Step = step
			return strictNull(raw, step)
		}
	}
	names := make([]string, 0, len(keys))
	for k := range keys {
		names = append(names, k)
	}
	slices.Sort(names)
	return fmt.Errorf("step of type %q: this program does not know it; update the boot image or the box", names)
}

// strictNull reads an object; null leaves the step as it is made.
func strictNull(raw json.RawMessage, into any) error {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	return json.Unmarshal(raw, into)
}
