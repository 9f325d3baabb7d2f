package membership

import (
	"fmt"
	"slices"
	"testing"
)

// TestLines: a warning is said once, whatever number of collections it is about.
func TestLines(t *testing.T) {
	about := func(text string, names ...string) (all []Warning) {
		for _, n := range names {
			all = append(all, Warning{n, text})
		}
		return all
	}
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprint("C", i))
	}
	for _, tt := range []struct {
		name string
		all  []Warning
		want []string
	}{
		{"none", nil, nil},
		{"one", about("no class", "A"), []string{"collection A: no class"}},
		{"two queries of one", about("no class", "A", "A"), []string{"collection A: no class"}},
		{"as many as are named", about("no class", many[:5]...), []string{"collections C0, C1, C2, C3, C4: no class"}},
		{"one more", about("no class", many[:6]...), []string{"collections C0, C1, C2, C3, C4 and 1 more: no class"}},
		{"many", about("no class", many...), []string{"collections C0, C1, C2, C3, C4 and 7 more: no class"}},
		{"two warnings, mixed", slices.Concat(about("no class", "A"), about("no property", "A"), about("no class", "B")),
			[]string{"collections A, B: no class", "collection A: no property"}},
	} {
		if got := Lines(tt.all); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
