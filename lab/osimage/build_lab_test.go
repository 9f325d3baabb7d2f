//go:build lab

package osimage

import (
	"testing"

	"github.com/bootward/bootward/diskfs/tool"
)

// TestBuildReal makes the image for real: go test -tags lab -run BuildReal -v
func TestBuildReal(t *testing.T) {
	last := ""
	o := Options{Recipe: DefaultRecipe(), CacheDir: "../../build/osimage", Runner: tool.Exec{}, Progress: func(e Event) {
		if e.Stage != last {
			t.Logf("%s %d/%d", e.Stage, e.Done, e.Total)
			last = e.Stage
		}
	}}
	r, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	again, err := Build(t.Context(), o)
	if err != nil || !again.Cached || again.Key != r.Key {
		t.Errorf("the second call built again: %+v, %v", again, err)
	}
}
