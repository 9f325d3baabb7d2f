package sequence

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Walk visits every node in order, groups before what they hold. The path is that of the node
// in errors, such as steps[0].steps[2].runCommandLine.
func (s *Sequence) Walk(visit func(path string, n Node)) {
	walk(s.Steps, "steps", func(path string, n Node) {
		if n.Step != nil {
			path += "." + string(n.Step.Type())
		}
		visit(path, n)
	})
}

// Field is one field that is given, as people write it.
type Field struct {
	Path  string // such as volumes[1].size
	Value string
	// Text says that the field is a text, in which variables are expanded.
	Text bool
}

// Fields lists the fields of a step, a group without its steps, or a part of one that are not
// empty, in the order of the model. A condition and a list of plain values are one field each.
func Fields(v any) []Field { return fields(nil, "", reflect.ValueOf(v)) }

func fields(out []Field, path string, v reflect.Value) []Field {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return out
		}
		if c, ok := v.Interface().(*Condition); ok {
			return append(out, Field{Path: path, Value: c.String()})
		}
		v = v.Elem()
	}
	if t, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := t.MarshalText(); err == nil && !v.IsZero() {
			out = append(out, Field{Path: path, Value: string(b)})
		}
		return out
	}
	switch v.Kind() {
	case reflect.Struct:
		return structFields(out, path, v)
	case reflect.Map:
		entries := mapOf(v)
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			out = fields(out, join(path, name), entries[name])
		}
	case reflect.Slice:
		return listFields(out, path, v)
	default:
		if !v.IsZero() {
			out = append(out, Field{path, fmt.Sprint(v.Interface()), v.Kind() == reflect.String})
		}
	}
	return out
}

func structFields(out []Field, path string, v reflect.Value) []Field {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Type == reflect.TypeFor[[]Node](), name == "-", name == "imported":
		case f.Anonymous && name == "":
			out = fields(out, path, v.Field(i))
		default:
			out = fields(out, join(path, name), v.Field(i))
		}
	}
	return out
}

// listFields names the entries of a list, or takes a list of plain values as one field.
func listFields(out []Field, path string, v reflect.Value) []Field {
	if k := v.Type().Elem().Kind(); k == reflect.Struct || k == reflect.Pointer {
		for i := range v.Len() {
			out = fields(out, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return out
	}
	if v.Len() == 0 {
		return out
	}
	all := make([]string, v.Len())
	for i := range all {
		all[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return append(out, Field{path, "[" + strings.Join(all, ", ") + "]", v.Type().Elem().Kind() == reflect.String})
}

func mapOf(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for it := v.MapRange(); it.Next(); {
		out[it.Key().String()] = it.Value()
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
