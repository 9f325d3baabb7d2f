package recent

import (
	"maps"
	"slices"
	"testing"
)

// TestOldestGoesFirst: what is noted again is young again, what is read is not.
func TestOldestGoesFirst(t *testing.T) {
	var m Map[string, int]
	if _, known := m.Get("a"); known || m.Len() != 0 {
		t.Error("an empty map knows something")
	}
	m.Delete("a")
	for i, k := range []string{"a", "b", "c"} {
		m.Put(k, i, 3)
	}
	m.Put("a", 10, 3)
	m.Get("b")
	m.Put("d", 3, 3)
	var keys []string
	for k := range m.All() {
		keys = append(keys, k)
	}
	if !slices.Equal(keys, []string{"c", "a", "d"}) {
		t.Errorf("remembered: %v", keys)
	}
	m.Delete("c")
	m.Put("e", 4, 3)
	if got := maps.Collect(m.All()); !maps.Equal(got, map[string]int{"a": 10, "d": 3, "e": 4}) || m.Len() != 3 {
		t.Errorf("remembered: %v", got)
	}
	for k := range m.All() {
		if k == "a" {
			break
		}
	}
	m.Put("f", 5, 1)
	if v, known := m.Get("f"); !known || v != 5 || m.Len() != 1 {
		t.Errorf("a smaller bound leaves %d", m.Len())
	}
}
