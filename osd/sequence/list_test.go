package sequence

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestListed(t *testing.T) {
	env := NewEnvironment()
	for name, value := range map[string]string{"AA001": "Office: Suite:Install", "aa002": " CEN00001 : %Program% ", "Program": "Fonts", "AA004": "x:y", "AB001": "z", "AC001": "%AC001%"} {
		if err := env.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	got, err := env.Listed("AA")
	if want := "[{AA001 Office: Suite Install} {AA002 CEN00001 Fonts}]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v %v, want %s", got, err, want)
	}
	for _, base := range []string{"AB", "AC"} {
		if _, err := env.Listed(base); err == nil {
			t.Errorf("%s: taken", base)
		}
	}
	for name, want := range map[string]bool{"AA001": true, "aa999": true, "AA000": false, "AA01": false, "AA0001": false, "AB001": false, "AA0x1": false, "A001": false, "AAA001": false} {
		if InList("AA", name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestWhatASequenceLists(t *testing.T) {
	s := decodedSequence(t, `"variables":{"AA001":"A:B"},"steps":[{"group":"G","steps":[{"installPackage":{"list":"aa"}},{"installPackage":{"list":"AA"}},{"installPackage":{"package":"P","program":"Q"}}]},
		{"setTaskSequenceVariable":{"variable":"AA002","value":"C:D"}},{"setDynamicVariables":{"rules":[{"variables":{"AA003":"E:F","AA004":"%G%:H","X":"Y:Z"}}]}}]`)
	got := fmt.Sprint(s.Lists(), s.Programs(), ListUses(s.Lists(), s.Settings()))
	want := "[AA] [{P Q steps[0].steps[2].installPackage.program}] [{A B variables.AA001} {C D steps[1].setTaskSequenceVariable.value} {E F steps[2].setDynamicVariables.rules[0].variables.AA003}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func decodedSequence(t *testing.T, text string) *Sequence {
	t.Helper()
	s, err := Decode([]byte(`{"format":1,"name":"s",` + text + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSecretEntry: an entry that is secret is not the end of the list.
func TestSecretEntry(t *testing.T) {
	env := NewEnvironment()
	if err := errors.Join(env.Set(ListVariable("APPS", 1), "a:b"), env.SetSecret(ListVariable("APPS", 2), "c:d"), env.Set(ListVariable("APPS", 3), "e:f")); err != nil {
		t.Fatal(err)
	}
	if got, err := env.Listed("APPS"); err == nil || !strings.Contains(err.Error(), ListVariable("APPS", 2)+" is secret") {
		t.Errorf("%+v, %v", got, err)
	}
}
