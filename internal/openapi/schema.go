package openapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemas collects the schemas of named structs.
type schemas map[string]object

// of is the schema of a type; structs become components.
func (s schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{} // any JSON
	case reflect.TypeFor[[]byte]():
		return object{"type": "string", "format": "byte"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Struct:
		return s.component(t)
	}
	return object{"type": "integer", "format": "int64"}
}

func (s schemas) component(t reflect.Type) object {
	pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	name := pkg + "." + t.Name()
	if s[name] == nil {
		s[name] = object{} // a type that holds itself finds this
		properties, required := object{}, []string{}
		s.fields(t, properties, &required)
		s[name]["type"], s[name]["properties"] = "object", properties
		if len(required) > 0 {
			s[name]["required"] = required
		}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s schemas) fields(t reflect.Type, properties object, required *[]string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			s.fields(f.Type, properties, required)
		default:
			properties[name] = s.of(f.Type)
			if f.Type.Kind() == reflect.Slice && !strings.Contains(options, "omit") {
				properties[name].(object)["nullable"] = true
			}
			if !strings.Contains(options, "omit") {
				*required = append(*required, name)
			}
		}
	}
}
