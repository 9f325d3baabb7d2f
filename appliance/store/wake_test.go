package store

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestWakes: who was woken for an occurrence is remembered over a restart, for
// that occurrence alone, and not forever; the zero time stays.
func TestWakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box.db")
	s := openTest(t, path)
	ctx, soon := t.Context(), time.Time{}
	for _, w := range []struct {
		at       time.Time
		computer string
	}{{now, "C1"}, {now, "C1"}, {now, "C2"}, {soon, "C1"}} {
		if err := s.Woke(ctx, "A1", w.at, w.computer, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, path)
	defer s.Close()
	woken := func(advertisement string, at time.Time) []string {
		t.Helper()
		all, err := s.Woken(ctx, advertisement, at)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(all))
	}
	for _, tt := range []struct {
		advertisement string
		at            time.Time
		want          []string
	}{{"A1", now, []string{"C1", "C2"}}, {"A1", soon, []string{"C1"}}, {"A1", now.Add(time.Hour), nil}, {"A2", now, nil}} {
		if got := woken(tt.advertisement, tt.at); !slices.Equal(got, tt.want) {
			t.Errorf("%s at %s: %q", tt.advertisement, tt.at, got)
		}
	}
	if err := s.Woke(ctx, "A1", now.Add(2*keepWakes), "C1", now.Add(2*keepWakes)); err != nil {
		t.Fatal(err)
	}
	if got, kept := woken("A1", now), woken("A1", soon); len(got) != 0 || len(kept) != 1 {
		t.Errorf("weeks later: %q, %q", got, kept)
	}
}
