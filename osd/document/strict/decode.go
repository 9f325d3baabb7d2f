package strict

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Decode reads a node into the value that into points to. Strings take any
// scalar as it is written; numbers and truth values take only their own.
func (d *Decoder) Decode(n *yaml.Node, path string, into any) {
	d.value(n, path, reflect.ValueOf(into).Elem())
}

func (d *Decoder) value(n *yaml.Node, path string, v reflect.Value) {
	if _, ok := d.places[path]; !ok {
		d.places[path] = Position{n.Line, n.Column}
	}
	if !d.plain(n, path) {
		return
	}
	if c, ok := v.Addr().Interface().(Custom); ok {
		c.DecodeStrict(d, n, path)
		return
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(n, path, t)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, path, v.Elem())
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Slice:
		d.list(n, path, v)
	case reflect.Map:
		d.dictionary(n, path, v)
	default:
		d.scalar(n, path, v)
	}
}

func (d *Decoder) text(n *yaml.Node, path string, t encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode {
		d.Fail(n, path, "give a single value", "%s stands where a value belongs", describe(n))
		return
	}
	if err := t.UnmarshalText([]byte(n.Value)); err != nil {
		d.Fail(n, path, "give a value of the right form", "%v", err)
	}
}

func (d *Decoder) structure(n *yaml.Node, path string, v reflect.Value) {
	d.Fields(n, path, v.Addr().Interface(), nil)
}

// Fields reads the keys of a mapping into the fields of the structs that into
// points to; other is asked for keys that are no fields and says whether it
// took them.
func (d *Decoder) Fields(n *yaml.Node, path string, into any, other func(Pair) bool) {
	fields := map[string]reflect.Value{}
	collect(reflect.ValueOf(into).Elem(), fields)
	for _, p := range d.Mapping(n, path) {
		f, ok := fields[p.Key]
		switch {
		case ok:
			d.value(p.Value, Join(path, p.Key), f)
		case other == nil || !other(p):
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			slices.Sort(names)
			d.Fail(p.Name, Join(path, p.Key), "known keys here: "+strings.Join(names, ", "), "the key %q is not known", p.Key)
		}
	}
}

// collect finds the fields of a struct by their json names; embedded structs
// without a name count as if their fields stood there.
func collect(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			collect(v.Field(i), into)
		case name != "":
			into[name] = v.Field(i)
		}
	}
}

func (d *Decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.Fail(n, path, "give a list: [a, b], or lines that begin with a hyphen", "%s stands where a list belongs", describe(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, path+"["+strconv.Itoa(i)+"]", out.Index(i))
	}
	v.Set(out)
}

func (d *Decoder) dictionary(n *yaml.Node, path string, v reflect.Value) {
	out := reflect.MakeMap(v.Type())
	for _, p := range d.Mapping(n, path) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(p.Value, Join(path, p.Key), item)
		out.SetMapIndex(reflect.ValueOf(p.Key), item)
	}
	v.Set(out)
}

func (d *Decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.Fail(n, path, "give a single value", "%s stands where a value belongs", describe(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		if n.ShortTag() != "!!bool" || (n.Value != "true" && n.Value != "false") {
			d.Fail(n, path, "give true or false", "%q is no truth value", n.Value)
			return
		}
		v.SetBool(n.Value == "true")
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if err != nil || n.ShortTag() != "!!int" {
			d.Fail(n, path, "give a whole number", "%q is no whole number", n.Value)
			return
		}
		v.SetInt(i)
	default:
		d.Fail(n, path, "leave it out", "a field of type %s cannot be given here", v.Type())
	}
}
