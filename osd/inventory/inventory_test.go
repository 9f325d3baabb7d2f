package inventory

import (
	"reflect"
	"testing"
)

// TestTexts: every text of a machine is in the list, by whatever way it is added.
func TestTexts(t *testing.T) {
	m := Machine{Memory: make([]Module, 2), Disks: make([]Disk, 2), Adapters: make([]NIC, 2)}
	texts := m.Texts()
	listed := map[*string]bool{}
	for _, s := range texts {
		listed[s] = true
	}
	if len(listed) != len(texts) {
		t.Error("a text stands there twice")
	}
	found := 0
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			found++
			if !listed[v.Addr().Interface().(*string)] {
				t.Errorf("%s is not among the texts", path)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Slice:
			if v.Len() == 0 {
				t.Errorf("%s: the test has none", path)
			}
			for i := range v.Len() {
				walk(path, v.Index(i))
			}
		}
	}
	walk("Machine", reflect.ValueOf(&m).Elem())
	if found != len(texts) {
		t.Errorf("%d texts are listed, the machine has %d", len(texts), found)
	}
}
