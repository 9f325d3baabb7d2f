// Package schema describes the YAML of task sequences as JSON Schema, draft 2020-12, for editors. It
// is made of the model by reflection, so that no field is forgotten; what the types do not say
// stands in rules.go, and descriptions are the model's comments. It takes everything that can be
// applied, and refuses what a person most often gets wrong: document.Decode has the last word. Pure.
package schema

import (
	_ "embed"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
)

//go:generate go test . -update

// descriptions are the comments of the model, by type and by field: PartitionDisk.style.
//
//go:embed descriptions.json
var descriptions []byte

type object = map[string]any

// JSON is the schema of a document. Documents of another kind are let pass: they may stand in the
// same file.
func JSON() ([]byte, error) {
	m := maker{defs: object{}}
	if err := json.Unmarshal(descriptions, &m.comments); err != nil {
		return nil, fmt.Errorf("descriptions of the model: %w", err)
	}
	var kinds []string
	for _, k := range osd.Kinds() {
		kinds = append(kinds, string(k))
	}
	root := object{
		"$schema":    "https://json-schema.org/draft/2020-12/schema",
		"title":      "Bootward task sequence",
		"type":       "object",
		"required":   []string{"kind"},
		"properties": object{"kind": object{"enum": kinds, "description": "kind of the object"}},
		"if":         object{"properties": object{"kind": object{"const": osd.KindTaskSequence}}},
		"then":       m.of(reflect.TypeFor[sequence.Sequence]()),
		"$defs":      m.defs,
	}
	m.nodes()
	m.defs["text"] = object{"type": []string{"string", "number", "boolean"}} // a scalar is taken as it is written
	m.sequence()
	return json.MarshalIndent(root, "", "  ")
}

type maker struct {
	defs     object
	comments map[string]string
}

// of is the schema of a type; structs become definitions.
func (m *maker) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[sequence.Node]():
		return object{"$ref": "#/$defs/node"}
	case t == reflect.TypeFor[sequence.Duration]():
		return object{"type": []string{"string", "integer"}, "pattern": duration, "maximum": 0, "examples": []string{"90s", "15m", "1h30m"}}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"$ref": "#/$defs/text"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": m.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": m.of(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"$ref": "#/$defs/text"}
	case reflect.Struct:
		return m.definition(t)
	}
	return object{"type": "integer"}
}

// definition makes the schema of a struct once.
func (m *maker) definition(t reflect.Type) object {
	name := t.Name()
	if m.defs[name] == nil {
		d := object{"type": "object", "additionalProperties": false}
		m.defs[name] = d // a type that holds itself finds this
		properties := object{}
		m.fields(t, name, properties)
		d["properties"] = properties
		if text := m.comments[name]; text != "" {
			d["description"] = text
		}
		if names := required[name]; len(names) > 0 {
			d["required"] = names
		}
		if extra := extras[name]; extra != nil {
			for k, v := range extra {
				d[k] = v
			}
		}
	}
	return object{"$ref": "#/$defs/" + name}
}

// fields adds those of a struct; owner is the struct that they are listed under in rules.go.
func (m *maker) fields(t reflect.Type, owner string, into object) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			m.fields(f.Type, f.Type.Name(), into)
		default:
			into[name] = m.field(f.Type, owner+"."+name)
		}
	}
}

func (m *maker) field(t reflect.Type, key string) object {
	s := m.of(t)
	if rule := fieldRules[key]; rule != nil {
		if s["$ref"] == "#/$defs/text" {
			s = object{}
		}
		for k, v := range rule {
			s[k] = v
		}
	}
	if text := m.comments[key]; text != "" {
		s["description"] = text
	}
	return s
}

// nodes makes the entry of a list: a group, or a step below its type.
func (m *maker) nodes() {
	properties := object{}
	for _, info := range sequence.Types() {
		t := reflect.TypeOf(sequence.New(info.Type)).Elem()
		ref := m.of(t)
		about := info.Guide
		if info.Missing != "" {
			about += ". Cannot run yet: this version lacks " + info.Missing
		}
		ref["description"] = strings.TrimSpace(about + ". " + m.comments[t.Name()])
		properties[string(info.Type)] = ref
	}
	m.defs["step"] = object{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1}
	m.defs["node"] = object{"anyOf": []object{m.of(reflect.TypeFor[sequence.Group]()), {"$ref": "#/$defs/step"}}}
}

// sequence lets the kind stand in the document.
func (m *maker) sequence() {
	s := m.defs["Sequence"].(object)
	s["properties"].(object)["kind"] = object{"const": osd.KindTaskSequence}
}
