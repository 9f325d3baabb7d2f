package machine

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestSecureBoot(t *testing.T) {
	for name, c := range map[string]struct {
		variable []byte
		want     bool
	}{
		"on":         {[]byte{6, 0, 0, 0, 1}, true},
		"off":        {[]byte{6, 0, 0, 0, 0}, false},
		"cut":        {[]byte{6, 0, 0, 0}, false},
		"longer":     {[]byte{6, 0, 0, 0, 1, 1}, false},
		"no such":    {nil, false},
		"other byte": {[]byte{6, 0, 0, 0, 2}, false},
	} {
		sys := fstest.MapFS{}
		if c.variable != nil {
			sys[secureBootVariable] = &fstest.MapFile{Data: c.variable}
		}
		if got, err := secureBoot(sys); got != c.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := secureBoot(fstest.MapFS{secureBootVariable: &fstest.MapFile{Mode: fs.ModeDir}}); err == nil {
		t.Error("what cannot be read counts as off")
	}
}
