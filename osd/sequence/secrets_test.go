package sequence

import (
	"fmt"
	"strings"
	"testing"
)

// TestSecretsAreChecked: a step that could not use its secrets, would show them,
// or would keep them, is refused with the remedy.
func TestSecretsAreChecked(t *testing.T) {
	var nine []string
	for i := range maxSecrets + 1 {
		nine = append(nine, fmt.Sprintf(`"S%d":"s"`, i))
	}
	for _, tt := range []struct{ step, fails string }{
		{`{"runCommandLine":{"command":"join \"$Password\"","secrets":{"Password":"join"}}}`, ""},
		{`{"runCommandLine":{"command":"join %password%","secrets":{"Password":"join"}}}`, `write "$Password"`},
		{`{"runCommandLine":{"command":"x","workingDirectory":"/%Password%","secrets":{"Password":"join"}}}`, "workingDirectory"},
		{`{"runCommandLine":{"command":"x","outputVariable":"PASSWORD","secrets":{"Password":"join"}}}`, "outputVariable"},
		{`{"runCommandLine":{"command":"x","secrets":{"Pass-Word":"join"}}}`, "letters, digits and '_'"},
		{`{"runCommandLine":{"command":"x","secrets":{"_Password":"join"}}}`, "secrets._Password"},
		{`{"runCommandLine":{"command":"x","secrets":{"Password":""}}}`, "name the Secret"},
		{`{"runCommandLine":{"command":"x","secrets":{"Password":"a","password":"b"}}}`, "case only"},
		{`{"runCommandLine":{"command":"x","rerunnable":true,"secrets":{"Password":"a"}}}`, "released once"},
		{`{"runCommandLine":{"command":"x","secrets":{` + strings.Join(nine, ",") + `}}}`, "at most 8"},
		{`{"setTaskSequenceVariable":{"variable":"X","value":"1","secrets":{"Password":"a"}}}`, "outlive"},
	} {
		_, err := Decode([]byte(`{"format":1,"name":"s","steps":[` + tt.step + `]}`))
		if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: got %v, want %q", tt.step, err, tt.fails)
		}
	}
}

// TestSecretsAreRequired: a program that does not know secrets must not run such
// a sequence with empty passwords.
func TestSecretsAreRequired(t *testing.T) {
	for step, want := range map[string]bool{`{"command":"x"}`: false, `{"command":"x","secrets":{"A":"a"}}`: true} {
		s, err := Decode([]byte(`{"format":1,"name":"s","steps":[{"group":"G","steps":[{"runCommandLine":` + step + `}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		document, err := s.Canonical()
		if err != nil || strings.Contains(string(document), `"requires":["secrets"]`) != want {
			t.Errorf("%s: %s, %v", step, document, err)
		}
		again, err := Decode(document)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := again.Canonical(); err != nil || string(b) != string(document) {
			t.Errorf("%s comes back as %s, %v", document, b, err)
		}
	}
	if _, err := Decode([]byte(`{"format":1,"requires":["secrets","tpm"],"name":"s","steps":[{"setupOperatingSystem":{}}]}`)); err == nil || !strings.Contains(err.Error(), `["tpm"]`) {
		t.Errorf("another requirement: %v", err)
	}
}

// TestSecretVariablesArePublicNowhere: what others can read holds no secret variable, by way of
// another neither, and a command gets those that its line names as a shell does.
func TestSecretVariablesArePublicNowhere(t *testing.T) {
	e := environment(t, "Open", "door", "Via", "%Pin%")
	if err := e.SetSecret("Pin", "4711"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"a %Open% 100% $Pin": "a door 100% $Pin", "%pin%": "", "a %Via% b": ""} {
		got, err := e.Public().Expand(text)
		if got != want || (err != nil) != (want == "") || err != nil && (strings.Contains(err.Error(), "4711") || !strings.Contains(err.Error(), `write "$`)) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if got, err := e.Expand("%Via%"); got != "4711" || err != nil {
		t.Errorf("for the engine: %q, %v", got, err)
	}
	if got := fmt.Sprint(e.ForCommand(`x "$Pin" ${PIN} $Open $Missing $(id) %Pin%`)); got != "map[PIN:4711 Pin:4711]" {
		t.Errorf("a command gets %s", got)
	}
	if got := e.ForCommand("x $PinX $Pi"); len(got) != 0 {
		t.Errorf("a command gets %v", got)
	}
	_, err := Decode([]byte(`{"format":1,"requires":["questions"],"name":"s","questions":[{"variable":"Pin","prompt":"p","secret":true}],"steps":[{"runCommandLine":{"command":"x %PIN%"}}]}`))
	if err == nil || !strings.Contains(err.Error(), `write "$Pin"`) {
		t.Errorf("a secret answer in a command line: %v", err)
	}
}

// TestSecretWhereOthersRead: a secret variable that says which disk, or what to install, is refused.
// As if it were not there another disk would be erased, or nothing be installed.
func TestSecretWhereOthersRead(t *testing.T) {
	step := &PartitionDisk{Style: "gpt", Volumes: []Volume{{Type: "primary", Size: "100%"}}}
	for value, refused := range map[string]bool{"1": true, "": false} {
		e := NewEnvironment()
		for _, name := range []string{"OSDDiskIndex", "AA001"} {
			if err := e.SetSecret(name, value); err != nil {
				t.Fatal(err)
			}
		}
		_, disk := step.WithVariables(e)
		_, list := e.Listed("AA")
		for name, err := range map[string]error{"OSDDiskIndex": disk, "AA001": list} {
			if (err != nil) != refused || err != nil && !strings.Contains(err.Error(), "variable "+name+" is secret") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

func TestLoan(t *testing.T) {
	e := environment(t, "Kept", "value-of-a-secret stood here before", "Password", "before")
	key := "-----BEGIN KEY-----\nfirst line of it\nab\n"
	l, err := e.Lend(map[string]string{"Password": "value-of-a-secret", "Key": key})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Redact("a first line of it, ab, " + key + "value-of-a-secret"); got != "a ********, ab, ****************" {
		t.Errorf("redacted: %q", got)
	}
	if v, _ := e.Public().Get("password"); v != "" || len(e.Lent()) != 2 {
		t.Errorf("without what is lent: %q, lent %v", v, e.Lent())
	}
	if err := e.Set("Copy", "a value-of-a-secret"); err != nil {
		t.Fatal(err)
	}
	l.Back()
	want := map[string]string{"Kept": "value-of-a-secret stood here before", "Password": "before", "Copy": "a ********"}
	for name, value := range e.All() {
		if want[name] != value {
			t.Errorf("%s = %q, want %q", name, value, want[name])
		}
	}
	if len(e.All()) != 3 || len(e.Secrets()) != 0 || len(e.Lent()) != 0 {
		t.Errorf("left: %v, secret %v, lent %v", e.All(), e.Secrets(), e.Lent())
	}
	if _, err := e.Lend(map[string]string{"Good": "x", "_Bad": "x"}); err == nil || len(e.All()) != 3 {
		t.Errorf("a wrong name: %v, %v", err, e.All())
	}
}

// TestOptionsAreRequired: what an older program would leave out, it must not run.
func TestOptionsAreRequired(t *testing.T) {
	for step, want := range map[string]string{
		`{"runCommandLine":{"command":"x"}}`:                                                        "",
		`{"runCommandLine":{"command":"x","runAs":"deploy"}}`:                                       `"requires":["runAs"]`,
		`{"runCommandLine":{"command":"x","package":"P"}}`:                                          `"requires":["package"]`,
		`{"applyOperatingSystem":{"image":"I","to":"%D%","configFile":{"package":"P","file":"f"}}}`: `"requires":["configFile"]`,
		`{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ext4","encryption":{"passphrase":"%P%"}}],"secrets":{"P":"s"}}}`: `"requires":["encryption","secrets"]`,
	} {
		s, err := Decode([]byte(`{"format":1,"name":"s","steps":[` + step + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		document, err := s.Canonical()
		if err != nil || want != "" && !strings.Contains(string(document), want) || want == "" && strings.Contains(string(document), "requires") {
			t.Errorf("%s: %s, %v", step, document, err)
		}
	}
}

// TestHolds: a text with a secret in it is secret; one with a digit in it that is somebody's PIN is not.
func TestHolds(t *testing.T) {
	e := NewEnvironment()
	for name, value := range map[string]string{"Long": "4711-ward", "Short": "7", "Empty": ""} {
		if err := e.SetSecret(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]bool{"printer 4711-ward": true, "4711": false, "ward-7": false, " 7 ": true, "7": true, "": false} {
		if got := e.Holds(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
