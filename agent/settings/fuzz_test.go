package settings

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzSetPassword: whatever an image has as its shadow file, only the line of root is another
// afterwards, and it has the new field.
func FuzzSetPassword(f *testing.F) {
	f.Add([]byte(shadow))
	f.Add([]byte("root:x:1::::::"))
	f.Add([]byte("\nroot:\n\x00root:*:1::::::\nroot:*:1::::::"))
	f.Fuzz(func(t *testing.T, before []byte) {
		after, err := setPassword(before, "root", disabled, day(20000))
		if err != nil {
			return
		}
		was, is := bytes.Split(before, []byte("\n")), bytes.Split(bytes.TrimSuffix(after, []byte("\n")), []byte("\n"))
		if n := len(bytes.Split(bytes.TrimSuffix(before, []byte("\n")), []byte("\n"))); n != len(is) {
			t.Fatalf("%d lines became %d", n, len(is))
		}
		changed := 0
		for i := range is {
			if bytes.Equal(was[i], is[i]) {
				continue
			}
			changed++
			if !strings.HasPrefix(string(is[i]), "root:"+disabled+":20000:") {
				t.Errorf("line %q became %q", was[i], is[i])
			}
		}
		if changed > 1 {
			t.Errorf("%d lines were changed", changed)
		}
		if again, err := setPassword(after, "root", disabled, day(20000)); err != nil || !bytes.Equal(again, after) {
			t.Errorf("again: %v", err)
		}
	})
}

// FuzzAssignments: what is written is read back.
func FuzzAssignments(f *testing.F) {
	f.Add(`Ward "7" $x \ `+"`id`", "")
	f.Add("=", "#'")
	f.Fuzz(func(t *testing.T, owner, organization string) {
		if strings.ContainsAny(owner+organization, "\n\r\x00") || len(owner)+len(organization) > 1000 {
			return
		}
		got := assignments(Registration{owner, organization}.file())
		if got["OWNER"] != owner || got["ORGANIZATION"] != organization {
			t.Errorf("%q, %q: %q", owner, organization, got)
		}
	})
}
