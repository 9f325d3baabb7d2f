package managementpoint

import "testing"

// TestRoutesAreDescribed: a route that is added is described too.
func TestRoutesAreDescribed(t *testing.T) {
	known := descriptions()
	for _, rt := range routes {
		if known[rt.pattern].summary == "" {
			t.Errorf("%s: say in describe.go what it is", rt.pattern)
		}
	}
}
