package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// document is the JSON form of a sequence: what boxes and agents exchange.
type document struct {
	Format   int      `json:"format"`
	Requires []string `json:"requires,omitempty"`
	Sequence
}

// What may stand in the requirements of a sequence. A program ignores fields that it does not
// know: where it would then do something else, the sequence says so.
const (
	requireSecrets    = "secrets"    // it would run steps with empty passwords
	requireEncryption = "encryption" // it would leave volumes open
	requireRunAs      = "runAs"      // it would run commands as root
	requirePackage    = "package"    // it would run commands without their files
	requireMountPoint = "mountPoint" // it would fill the volume of the system in place of another
	requireConfigFile = "configFile" // it would set up the system without answers
	requireQuestions  = "questions"  // it would run without the answers
)

var requirements = []string{requireConfigFile, requireEncryption, requireMountPoint, requirePackage, requireQuestions, requireRunAs, requireSecrets}

func (s *Sequence) requires() []string {
	needs := map[string]bool{requireSecrets: len(s.SecretNames()) > 0, requireQuestions: len(s.Questions) > 0}
	walk(s.Steps, "", func(_ string, n Node) {
		switch step := n.Step.(type) {
		case *RunCommandLine:
			needs[requireRunAs] = needs[requireRunAs] || step.RunAs != ""
			needs[requirePackage] = needs[requirePackage] || step.Package != ""
		case *ApplyOperatingSystem:
			needs[requireConfigFile] = needs[requireConfigFile] || step.ConfigFile != nil
		case *PartitionDisk:
			for _, v := range step.Volumes {
				needs[requireEncryption] = needs[requireEncryption] || v.Encryption != nil
				needs[requireMountPoint] = needs[requireMountPoint] || v.MountPoint != ""
			}
		}
	})
	return slices.DeleteFunc(slices.Clone(requirements), func(r string) bool { return !needs[r] })
}

// Canonical is the JSON document of the sequence. Equal sequences give equal
// bytes: its digest names the version. The ID, the comment and what was imported are
// left out, which the site may change without another version.
func (s *Sequence) Canonical() ([]byte, error) {
	d := document{Format: Format, Requires: s.requires(), Sequence: *s}
	d.ID, d.Comment, d.Imported = "", "", ""
	d.Steps = withoutImported(d.Steps)
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
	unknown := slices.DeleteFunc(slices.Clone(d.Requires), func(r string) bool { return slices.Contains(requirements, r) })
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

// withoutImported copies nodes without what only export needs.
func withoutImported(nodes []Node) []Node {
	out := make([]Node, len(nodes))
	for i, n := range nodes {
		switch {
		case n.Group != nil:
			g := *n.Group
			g.Imported, g.Steps = "", withoutImported(g.Steps)
			n.Group = &g
		case n.Step != nil && n.Step.Common().Imported != "":
			n.Step = Clone(n.Step)
			n.Step.Common().Imported = ""
		}
		out[i] = n
	}
	return out
}

// Clone copies a step; slices and maps of its fields are shared.
func Clone(s Step) Step {
	c := reflect.New(reflect.TypeOf(s).Elem())
	c.Elem().Set(reflect.ValueOf(s).Elem())
	return c.Interface().(Step)
}
