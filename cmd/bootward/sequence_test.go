package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/sequence/tsxml"
)

// offline is a command line without a site, in a folder of its own.
func offline(t *testing.T, files map[string]string) *rig {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return &rig{t: t, dir: dir, env: filepath.Join(dir, "nothing")}
}

const (
	cleanYAML = "kind: TaskSequence\nname: Clean\nsteps:\n  - runCommandLine: {name: Hello, command: uname -n}\n"
	warnYAML  = "kind: TaskSequence\nname: Warns\nsteps:\n  - runCommandLine:\n      name: Hello\n      command: cscript.exe x.vbs %Ward%\n"
	wrongYAML = "kind: TaskSequence\nname: Wrong\nsteps:\n  - runCommandLine: {name: Hello, comand: uname -n}\n"
	failYAML  = "kind: TaskSequence\nname: Fails\nsteps:\n  - enableBitLocker: {protector: tpm}\n"
	clashYAML = "kind: TaskSequence\nname: Outer\nsteps:\n  - runTaskSequence: {sequence: Inner}\nquestions:\n  - {variable: Bay, prompt: Which bay, default: \"1\"}\n---\n" +
		"kind: TaskSequence\nname: Inner\nsteps:\n  - runCommandLine: {command: id}\nquestions:\n  - {variable: Bay, prompt: Which bay}\n"
	circleYAML = "kind: TaskSequence\nname: Round\nsteps:\n  - runTaskSequence: {sequence: Round}\n"
	wardYAML   = "kind: Collection\nname: C\nvariables: {Ward: \"7\"}\n"
)

func TestSequenceLint(t *testing.T) {
	r := offline(t, map[string]string{"clean.yaml": cleanYAML, "warn.yaml": warnYAML, "wrong.yaml": wrongYAML, "fail.yaml": failYAML, "ward.yaml": wardYAML, "clash.yaml": clashYAML, "circle.yaml": circleYAML})
	for _, tt := range []struct {
		args, out string
		code      int
	}{
		{"clean.yaml", "task sequences: 1, errors: 0", exitDone},
		{"warn.yaml", "warn.yaml:6:7: warning: Hello: \"cscript.exe\" is for Windows", exitDone},
		{"warn.yaml", "warn.yaml:6:7: note: Hello: nothing here sets Ward", exitDone},
		{"warn.yaml ward.yaml", "errors: 0, warnings: 1, notes: 0", exitDone},
		{"--strict warn.yaml", "[windows-command]", exitUsage},
		{"--strict clean.yaml", "errors: 0,", exitDone},
		{"wrong.yaml clean.yaml", "wrong.yaml:4:35: error: steps[0].runCommandLine.comand: the key \"comand\" is not known", exitFailed},
		{"--strict fail.yaml", "fail.yaml:4:5: error: Enable BitLocker", exitFailed},
		{"--json fail.yaml", `"rule": "cannot-run"`, exitFailed},
		{"clash.yaml", "clash.yaml:3:1: error: steps: task sequence \"Outer\": task sequences \"Outer\" and \"Inner\" both ask for Bay", exitFailed},
		{"circle.yaml", "it runs itself: Round runs Round", exitFailed},
	} {
		out, errs := r.want(tt.code, append([]string{"sequence", "lint"}, strings.Fields(tt.args)...)...)
		if !strings.Contains(out, tt.out) || errs != "" {
			t.Errorf("%s: got %s%s, want %q", tt.args, out, errs, tt.out)
		}
	}
	if _, errs := r.want(exitFailed, "sequence", "lint", "missing.yaml"); !strings.Contains(errs, "there is no such file") {
		t.Error(errs)
	}
}

// TestSequenceFilesNeedNoSite: what is a file is read without a site; what is a name is asked of
// one, and the error says what would be a file.
func TestSequenceFilesNeedNoSite(t *testing.T) {
	r := offline(t, map[string]string{"clean.yaml": cleanYAML, "two.yaml": cleanYAML + "---\n" + warnYAML, "none.yaml": wardYAML, "clean": cleanYAML})
	for _, tt := range []struct {
		args, out string
		code      int
	}{
		{"clean.yaml", "kind: TaskSequence\nname: Clean\n", exitDone},
		{"./clean --outline", "1     Hello  runCommandLine", exitDone},
		{"two.yaml", "holds 2 task sequences: name one, such as \"two.yaml#Clean\"", exitUsage},
		{"two.yaml#Warns", "name: Warns", exitDone},
		{"two.yaml#Lost", "holds no task sequence \"Lost\"", exitFailed},
		{"none.yaml", "holds no task sequence", exitFailed},
		{"clean", "\"clean\" is taken for a name at the site", exitFailed},
		{"clean.yaml --json", `"name": "Clean"`, exitDone},
	} {
		args := append([]string{"sequence", "show"}, strings.Fields(tt.args)...)
		if tt.args == "clean" {
			args = append(args, "--outline")
		}
		out, errs := r.want(tt.code, args...)
		if !strings.Contains(out+errs, tt.out) {
			t.Errorf("%s: got %s%s, want %q", tt.args, out, errs, tt.out)
		}
	}
}

func TestSequenceSimulate(t *testing.T) {
	const outer = "kind: TaskSequence\nname: Outer\nsteps:\n  - runTaskSequence: {sequence: Inner}\n---\n" +
		"kind: TaskSequence\nname: Inner\nsteps:\n  - runCommandLine: {name: Hello, command: echo %Ward%, condition: {software: samba}}\n"
	r := offline(t, map[string]string{"s.yaml": outer, "inv.json": `{"model":"X1","uefi":true}`, "facts.yaml": "software: {samba: \"2\"}", "bad.yaml": "software: [a]"})
	for _, tt := range []struct {
		args, want string
		code       int
	}{
		{"s.yaml#Outer --inventory inv.json", "skip     Hello", exitDone},
		{"s.yaml#Outer --inventory inv.json --facts facts.yaml --variable Ward=7", "echo 7\nIt would succeed.", exitDone},
		{"s.yaml#Outer --inventory inv.json --facts facts.yaml", "%Ward% stays as it is", exitDone},
		{"s.yaml#Outer --inventory inv.json --facts facts.yaml --fail hello", "It would FAIL at step 2: told to fail", exitFailed},
		{"s.yaml#Inner --inventory inv.json --json", `"does": "skip"`, exitDone},
		{"s.yaml#Inner", "give --inventory", exitUsage},
		{"s.yaml#Inner --inventory inv.json --stage disk", "give bootImage or installedSystem", exitUsage},
		{"s.yaml#Inner --inventory inv.json --variable x", "give NAME=VALUE", exitUsage},
		{"s.yaml#Inner --inventory s.yaml", "no inventory in JSON", exitFailed},
		{"s.yaml#Inner --inventory inv.json --facts bad.yaml", "bad.yaml:1:11: software", exitFailed},
		{"s.yaml#Inner --inventory inv.json --fail 9", "no step \"9\"", exitFailed},
	} {
		out, errs := r.want(tt.code, append([]string{"sequence", "simulate"}, strings.Fields(tt.args)...)...)
		if !strings.Contains(out+errs, tt.want) {
			t.Errorf("%s: got %s%s, want %q", tt.args, out, errs, tt.want)
		}
	}
}

func TestSequenceDiff(t *testing.T) {
	r := offline(t, map[string]string{"a.yaml": cleanYAML, "b.yaml": strings.Replace(cleanYAML, "uname -n", "uname -a", 1)})
	if out, errs := r.want(exitDone, "sequence", "diff", "a.yaml", "a.yaml"); out+errs != "" {
		t.Error(out, errs)
	}
	if out, errs := r.want(exitFailed, "sequence", "diff", "a.yaml", "b.yaml"); out != "~ 1  runCommandLine \"Hello\"\n    in the sequence itself\n    command: uname -n → uname -a\n" || errs != "" {
		t.Error(out, errs)
	}
	if out, _ := r.want(exitFailed, "sequence", "diff", "--json", "a.yaml", "b.yaml"); !strings.Contains(out, `"old": "uname -n"`) {
		t.Error(out)
	}
	if _, errs := r.want(exitUsage, "sequence", "diff", "-", "-"); !strings.Contains(errs, "can be read once") {
		t.Error(errs)
	}
	if out, _ := r.want(exitDone, "sequence", "diff", "--json", "a.yaml", "a.yaml"); out != "[]\n" {
		t.Error(out)
	}
}

func TestSequenceNew(t *testing.T) {
	r := offline(t, nil)
	r.want(exitDone, "sequence", "new", "install", "--name", "Ward", "-o", "ward.yaml")
	if out, _ := r.want(exitDone, "sequence", "lint", "--strict", "ward.yaml"); !strings.Contains(out, "task sequences: 1, errors: 0, warnings: 0, notes: 0") {
		t.Error(out)
	}
	if _, errs := r.want(exitFailed, "sequence", "new", "custom", "-o", "ward.yaml"); !strings.Contains(errs, "--force replaces it") {
		t.Error(errs)
	}
	r.want(exitDone, "sequence", "new", "custom", "-o", "ward.yaml", "--force")
	if _, errs := r.want(exitUsage, "sequence", "new", "other"); !strings.Contains(errs, "install, capture and custom") {
		t.Error(errs)
	}
}

func TestSequenceImportAndExport(t *testing.T) {
	const xml = `<sequence version="3.00"><group name="Install"><step type="SMS_TaskSequence_RunCommandLineAction" name="Ask"><action>smsswd.exe /run: cscript.exe ask.vbs</action>` +
		`<defaultVarList><variable name="CommandLine" property="CommandLine">cscript.exe ask.vbs</variable></defaultVarList></step>` + "\n" +
		`<step type="Vendor_Action" name="Theirs"><action>theirs.exe</action></step></group></sequence>`
	r := offline(t, map[string]string{"ward.xml": xml, "no.xml": "<html/>"})
	_, errs := r.want(exitDone, "sequence", "import", "ward.xml", "--boot-image", "linux-x64", "-o", "ward.yaml")
	for _, want := range []string{"ward.yaml is written: 3 groups and steps", "WARNING: ward.xml:2: Install > Theirs: "} {
		if !strings.Contains(errs, want) {
			t.Errorf("got %s, want %q", errs, want)
		}
	}
	if out, _ := r.want(exitDone, "sequence", "lint", "ward.yaml"); !strings.Contains(out, "[windows-command]") {
		t.Error(out)
	}
	out, _ := r.want(exitDone, "sequence", "export", "ward.yaml")
	if ok, why := tsxml.Equal([]byte(xml), []byte(out)); !ok {
		t.Errorf("%s: %s", why, out)
	}
	if out, _ = r.want(exitDone, "sequence", "show", "ward.yaml", "--outline"); !strings.Contains(out, "Theirs") || !strings.Contains(out, "disabled") {
		t.Error(out)
	}
	out, _ = r.want(exitDone, "sequence", "import", "ward.xml", "--name", "Ward", "--without-xml")
	if !strings.Contains(out, "name: Ward\n") || strings.Contains(out, "imported") {
		t.Error(out)
	}
	if out, errs := r.want(exitFailed, "sequence", "diff", "ward.xml", "ward.yaml"); !strings.Contains(out, "bootImage: linux-x64") || strings.Contains(out, "Ask") || !strings.Contains(errs, "warnings") {
		t.Error(out, errs)
	}
	r.want(exitDone, "sequence", "export", "ward.yaml", "-o", "again.xml")
	if _, errs := r.want(exitFailed, "sequence", "export", "ward.yaml", "-o", "again.xml"); !strings.Contains(errs, "--force") {
		t.Error(errs)
	}
	if _, errs := r.want(exitFailed, "sequence", "import", "no.xml"); !strings.Contains(errs, "no.xml: ") {
		t.Error(errs)
	}
	if out, _ = r.want(exitDone, "--json", "sequence", "import", "ward.xml"); !strings.Contains(out, `"warnings": [`) {
		t.Error(out)
	}
}

func TestSequenceGraph(t *testing.T) {
	r := offline(t, map[string]string{"a.yaml": cleanYAML})
	if out, errs := r.want(exitDone, "sequence", "graph", "a.yaml"); !strings.HasPrefix(out, "<svg ") || !strings.Contains(out, "uname -n") || errs != "" {
		t.Error(out, errs)
	}
	r.want(exitDone, "sequence", "graph", "a.yaml", "-o", "a.svg")
	if _, err := os.Stat("a.svg"); err != nil {
		t.Error(err)
	}
}

func TestSequenceSchema(t *testing.T) {
	r := offline(t, nil)
	for _, args := range [][]string{{"sequence", "schema"}, {"--json", "sequence", "schema"}} {
		if out, _ := r.want(exitDone, args...); !strings.Contains(out, `"$schema": "https://json-schema.org/draft/2020-12/schema"`) {
			t.Error(out)
		}
	}
}

// TestPlain: what people read holds nothing that steers a terminal.
func TestPlain(t *testing.T) {
	if got := plain("a\x1b[2J\r\n\u0085\u202eb\u2028\u2066c\u200f é描"); got != "a [2J   \u0020b  c  é描" {
		t.Errorf("got %q", got)
	}
	var shown strings.Builder
	if _, err := (&safeLog{w: &shown}).Write([]byte("a\x1b\u202eb\r\nc")); err != nil || shown.String() != "a  b\nc" {
		t.Errorf("a log: %q, %v", shown.String(), err)
	}
}

// TestSequenceCompletion: files and, where there is a site, names.
func TestSequenceCompletion(t *testing.T) {
	r := offline(t, map[string]string{"ward.yaml": cleanYAML})
	for _, tt := range []struct{ args, want string }{
		{"sequence lint ", "yaml\nyml\n:8"},
		{"sequence show ", "yaml\nyml\n:8"},
		{"sequence import ", "xml\n:8"},
		{"sequence new ", "install\ncapture\ncustom\n:4"},
		{"sequence simulate x.yaml --stage ", "bootImage\ninstalledSystem\n:4"},
	} {
		if out, _ := r.want(exitDone, append([]string{"__complete"}, strings.Split(tt.args, " ")...)...); !strings.Contains(out, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.args, out, tt.want)
		}
	}
}

// TestSequencesOfTheSite: the verbs take names and ids of a site, and complete them.
func TestSequencesOfTheSite(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	text := strings.Replace(cleanYAML, "steps:\n", "steps:\n  - runTaskSequence: {sequence: Inner}\n", 1) + "---\n" + strings.Replace(strings.Replace(cleanYAML, "Clean", "Inner", 1), "steps:\n", "questions:\n  - {variable: Bay, prompt: Which bay}\nsteps:\n", 1)
	inventory := filepath.Join(dir, "pc.json")
	for name, b := range map[string]string{file: text, inventory: `{"uefi":true}`} {
		if err := os.WriteFile(name, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.want(exitDone, "apply", "-f", file)
	if out, _ := r.want(exitDone, "sequence", "diff", "Clean", file+"#Clean"); out != "" {
		t.Error(out)
	}
	for _, tt := range []struct{ args, want string }{
		{"show|Clean", "kind: TaskSequence"},
		{"show|Clean|--outline", "runTaskSequence"},
		{"show|Clean|--outline", "2       Hello            runCommandLine"},
		{"show|Clean|--outline", "      Which bay          question         sets Bay"},
		{"simulate|Clean|--inventory|" + inventory, "It would succeed."},
		{"graph|Clean", "<svg"},
		{"export|Clean", "<sequence"},
	} {
		if out, _ := r.want(exitDone, append([]string{"sequence"}, strings.Split(tt.args, "|")...)...); !strings.Contains(out, tt.want) {
			t.Errorf("%s: %s", tt.args, out)
		}
	}
	if _, errs := r.want(exitFailed, "sequence", "graph", "Lost"); !strings.Contains(errs, "there is none of this name") {
		t.Error(errs)
	}
	if out, _ := r.want(exitDone, "__complete", "sequence", "graph", ""); !strings.Contains(out, "Clean\t") || !strings.Contains(out, "Inner\t") {
		t.Error(out)
	}
}
