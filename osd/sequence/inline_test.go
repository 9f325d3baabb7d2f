package sequence

import (
	"fmt"
	"strings"
	"testing"
)

func sequences(t *testing.T, steps map[string]string) func(string) *Sequence {
	t.Helper()
	all := map[string]*Sequence{}
	for name, text := range steps {
		s, err := Decode([]byte(`{"format":1,"name":"` + name + `",` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		all[strings.ToLower(name)] = s
	}
	return func(name string) *Sequence { return all[strings.ToLower(name)] }
}

func TestInline(t *testing.T) {
	find := sequences(t, map[string]string{
		"Outer": `"variables":{"A":"outer"},"steps":[{"group":"G","steps":[{"runTaskSequence":{"sequence":"inner","continueOnError":true,"condition":{"variable":"A","equals":"x"}}}]},{"setupOperatingSystem":{}}]`,
		"Inner": `"variables":{"a":"inner","B":"inner"},"steps":[{"runCommandLine":{"command":"1"}},{"runTaskSequence":{"name":"Again","sequence":"Leaf"}}]`,
		"Leaf":  `"steps":[{"runCommandLine":{"command":"2"}}]`,
	})
	outer := find("outer")
	in, err := Inline(outer, find)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(in.Variables)
	for _, l := range in.Flatten() {
		got += fmt.Sprintf("\n%d %s in %d", l.Number, l.Name(), l.Parent)
	}
	want := `map[A:outer B:inner]
1 G in 0
2 Run Task Sequence in 1
3 Run Command Line in 2
4 Again in 2
5 Run Command Line in 4
6 Setup Operating System in 0`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if g := in.Steps[0].Group.Steps[0].Group; !g.ContinueOnError || g.Condition == nil {
		t.Errorf("the options of the step are lost: %+v", g)
	}
	if err := in.Validate(); err != nil {
		t.Error(err)
	}
	if in.Destructive() || !outer.Destructive() || outer.Steps[0].Group.Steps[0].Step == nil {
		t.Error("the outer sequence was changed, or a sequence of commands is called destructive")
	}
}

func TestInlineRefuses(t *testing.T) {
	run := func(name string) string { return `"steps":[{"runTaskSequence":{"sequence":"` + name + `"}}]` }
	twice := `"steps":[` + strings.TrimSuffix(strings.Repeat(`{"runTaskSequence":{"sequence":"%s"}},`, 40), ",") + `]`
	find := sequences(t, map[string]string{
		"Self": run("self"), "One": run("Two"), "Two": run("One"), "Lost": run("Nowhere"),
		"Wide": fmt.Sprintf(strings.ReplaceAll(twice, "%s", "%[1]s"), "Wide1"), "Wide1": fmt.Sprintf(strings.ReplaceAll(twice, "%s", "%[1]s"), "Leaf"),
		"Leaf": `"steps":[{"setupOperatingSystem":{}}]`,
	})
	for name, want := range map[string]string{"Self": "runs itself: Self runs self", "One": "One runs Two runs One", "Lost": `"Nowhere", which does not exist`, "Wide": "more than 1000"} {
		if _, err := Inline(find(name), find); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestInlineAsks: the questions of all sequences, each variable once, none of what is disabled; where answers would
// differ both sequences are named.
func TestInlineAsks(t *testing.T) {
	const leaf = `"steps":[{"setupOperatingSystem":{}}]`
	run := func(options string, names ...string) string {
		var steps []string
		for _, n := range names {
			steps = append(steps, `{"runTaskSequence":{"sequence":"`+n+`"`+options+`}}`)
		}
		return `"steps":[` + strings.Join(steps, ",") + `]`
	}
	many := func(letter string) string {
		var all []string
		for n := range 12 {
			all = append(all, fmt.Sprintf(`{"variable":"%s%d","prompt":"p","optional":true}`, letter, n))
		}
		return `"questions":[` + strings.Join(all, ",") + `],` + leaf
	}
	find := sequences(t, map[string]string{
		"Outer":    `"questions":[{"variable":"Bay","prompt":"Which bay?"}],` + run("", "Inner", "Same", "Inner"),
		"Inner":    `"questions":[{"variable":"Role","prompt":"Which role?","choices":["a","b"]}],` + run("", "Deep"),
		"Deep":     `"questions":[{"variable":"Pin","prompt":"Pin","secret":true}],` + leaf,
		"Same":     `"questions":[{"variable":"BAY","prompt":"In which bay?"},{"variable":"Last","prompt":"last","optional":true}],` + leaf,
		"Off":      `"questions":[{"variable":"Bay","prompt":"Which bay?"}],` + run(`,"disabled":true`, "Inner", "Other"),
		"OffGroup": `"steps":[{"group":"G","disabled":true,` + run("", "Inner") + `}]`,
		"Other":    `"questions":[{"variable":"Bay","prompt":"Which bay?","default":"3"}],` + leaf,
		"Clash":    `"questions":[{"variable":"Bay","prompt":"Which bay?"}],` + run("", "Inner", "Other"),
		"Cousins":  run("", "Same", "Other"),
		"Many":     run("", "Twelve", "Dozen"), "Twelve": many("A"), "Dozen": many("B"),
	})
	for name, want := range map[string]string{"Outer": "Bay Role Pin Last", "Off": "Bay", "OffGroup": "", "Other": "Bay",
		"Clash": `"Clash" and "Other" both ask for Bay`, "Cousins": `"Same" and "Other" both ask for Bay`, "Many": "at most 20 questions"} {
		in, err := Inline(find(name), find)
		if err != nil {
			if !strings.Contains(err.Error(), want) || want == "" {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
			continue
		}
		var asked []string
		for _, q := range in.Questions {
			asked = append(asked, q.Variable)
		}
		if got := strings.Join(asked, " "); got != want {
			t.Errorf("%s asks for %q, want %q", name, got, want)
		}
	}
	if in, _ := Inline(find("Outer"), find); in != nil && in.Questions[0].Prompt != "Which bay?" || len(find("Outer").Questions) != 1 {
		t.Error("the first of two prompts does not count, or the outer sequence was changed")
	}
}

// TestImportedIsNoVersion: what only export needs does not make another version of a sequence.
func TestImportedIsNoVersion(t *testing.T) {
	s, err := Decode([]byte(`{"format":1,"name":"s","imported":"<s/>","steps":[{"group":"G","imported":"<g/>","steps":[{"setupOperatingSystem":{"imported":"<step/>"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Canonical()
	if err != nil || strings.Contains(string(b), "imported") {
		t.Errorf("%s, %v", b, err)
	}
	if s.Steps[0].Group.Steps[0].Step.Common().Imported != "<step/>" {
		t.Error("the sequence itself lost what was imported")
	}
}

// TestStepsAreChecked: what each step cannot do without, and secrets that stand where everybody
// reads them, are refused with a remedy.
func TestStepsAreChecked(t *testing.T) {
	for _, tt := range []struct{ step, fails string }{
		{`{"connectToNetworkFolder":{"path":"\\\\server\\share","to":"/mnt/x","account":"W\\a","password":"%P%"}}`, ""},
		{`{"connectToNetworkFolder":{"path":"//server","to":"/mnt/x"}}`, "server and share"},
		{`{"connectToNetworkFolder":{"path":"//server/share","to":"mnt"}}`, "where it appears"},
		{`{"connectToNetworkFolder":{"path":"//server/share","to":"/mnt","account":"a","password":"hunter22"}}`, "name the variable that holds it"},
		{`{"joinDomainOrWorkgroup":{"domain":"example.org","account":"a","password":"%P%"}}`, ""},
		{`{"joinDomainOrWorkgroup":{"domain":"example.org","workgroup":"W","account":"a","password":"%P%"}}`, "exactly one"},
		{`{"joinDomainOrWorkgroup":{"domain":"example.org"}}`, "may join"},
		{`{"checkReadiness":{}}`, "say what to check"},
		{`{"checkReadiness":{"memory":"2 GiB","firmware":"uefi"}}`, ""},
		{`{"setDynamicVariables":{"rules":[{"variables":{"_X":"1"}}]}}`, "read-only"},
		{`{"installPackage":{"list":"AA"}}`, ""},
		{`{"installPackage":{"list":"AA","package":"P"}}`, "not both"},
		{`{"installPackage":{"package":"P"}}`, "name the program"},
		{`{"installPackage":{"list":"AA","secrets":{"P":"join"}}}`, "in a step of its own"},
		{`{"installPackage":{"package":"P","program":"Q","secrets":{"a.b":"join"}}}`, "from its environment"},
		{`{"installPackage":{"package":"P","program":"Q","successCodes":[0]}}`, "give them in the package"},
		{`{"installSoftwareUpdates":{"updates":"some"}}`, "mandatory or all"},
		{`{"applyWindowsSettings":{"administratorPassword":"hunter22"}}`, "name the variable"},
		{`{"runCommandLine":{"command":"x","runAs":"Bad User"}}`, "name of a user"},
		{`{"runTaskSequence":{"sequence":"x","retry":{"count":1}}}`, "give retry"},
		{`{"unknown":{"xml":"X"}}`, "leave it disabled"},
		{`{"unknown":{"xml":"X","disabled":true}}`, ""},
		{`{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"xfs","encryption":{"passphrase":"%P%"}}]}}`, ""},
		{`{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%","fileSystem":"ntfs","encryption":{"passphrase":"%P%"}}]}}`, "encrypt primary"},
	} {
		_, err := Decode([]byte(`{"format":1,"name":"s","steps":[` + tt.step + `]}`))
		if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: got %v, want %q", tt.step, err, tt.fails)
		}
		if err != nil && strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: the error shows what may be a password: %v", tt.step, err)
		}
	}
}
