package sequence

import (
	"strings"
	"testing"
)

func TestPreflight(t *testing.T) {
	step := func(options string) string {
		return `{"enableBitLocker":{"name":"Lock","protector":"tpm"` + options + `}}`
	}
	const condition = `"condition":{"variable":"A","exists":true}`
	for _, tt := range []struct {
		name, steps string
		want        []string // of the error; none: it begins
	}{
		{"nothing missing", `{"runCommandLine":{"command":"a"}}`, nil},
		{"missing", `{"runCommandLine":{"command":"a"}},` + step(""), []string{`"s" does not begin`, `step 2 "Lock": a step of type Enable BitLocker cannot run: this version lacks an agent for Windows`}},
		{"two, one deep in groups", step("") + `,{"group":"G","steps":[{"group":"H","steps":[{"autoApplyDrivers":{}}]}]}`, []string{"step 1", `step 4 "Auto Apply Drivers"`}},
		{"it continues on error", step(`,"continueOnError":true`), []string{"step 1"}},
		{"disabled", step(`,"disabled":true`), nil},
		{"with a condition", step("," + condition), nil},
		{"in a group with a condition", `{"group":"G",` + condition + `,"steps":[{"group":"H","steps":[` + step("") + `]}]}`, nil},
		{"in a group that is disabled", `{"group":"G","disabled":true,"steps":[` + step("") + `]}`, nil},
		{"behind a group with a condition", `{"group":"G",` + condition + `,"steps":[{"runCommandLine":{"command":"a"}}]},` + step(""), []string{"step 3"}},
	} {
		s, err := Decode([]byte(`{"format":1,"name":"s","steps":[` + tt.steps + `]}`))
		if err != nil {
			t.Fatal(tt.name, err)
		}
		err = s.Preflight()
		if (err != nil) != (tt.want != nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, want := range tt.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v lacks %q", tt.name, err, want)
			}
		}
	}
}
