package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// software plays packages and the shell of an installed system, and keeps the state of the engine.
type software struct {
	t     *testing.T
	codes map[string][]int // exit codes of a command line, in turn; 0 when none are left
	ran   []string
	fetch []string
	cut   func() // ends the machine while the command "cut" runs
	saved []byte
}

func (s *software) Find(name string) (api.JobContent, error) {
	for _, p := range []api.JobContent{
		{ID: "CEN00001", Name: "Office", Programs: []osd.Program{
			{Name: "Install", Command: "office %Edition%", RestartCodes: []int{100}}, {Name: "Fonts", Command: "fonts", WorkingDirectory: "share", RunAs: "deploy"},
			{Name: "Slow", Command: "slow", Timeout: osd.Duration(time.Nanosecond)}, {Name: "Cut", Command: "cut"}}},
		{ID: "CEN00002", Name: "A: viewer", Programs: []osd.Program{{Name: "Install", Command: "viewer", SuccessCodes: []int{0, 3}, Restart: osd.RestartAfterwards}}},
	} {
		if name == p.Name || name == p.ID {
			return p, nil
		}
	}
	return api.JobContent{}, fmt.Errorf("package %q is not among the content of the job", name)
}

func (s *software) Fetch(_ context.Context, p api.JobContent, dir string, o Fetching) error {
	s.fetch = append(s.fetch, fmt.Sprintf("%s %s", p.ID, o.Owner))
	return os.MkdirAll(filepath.Join(dir, "share"), 0o700)
}

func (s *software) Run(ctx context.Context, c Command) (int, string, string, error) {
	if _, err := os.Stat(c.Dir); err != nil {
		s.t.Errorf("%s: %v", c.Line, err)
	}
	s.ran = append(s.ran, strings.Join(append([]string{c.Line}, strings.Fields(c.RunAs)...), " as "))
	switch {
	case c.Line == "cut" && s.cut != nil:
		s.cut()
		s.cut = nil
		return -1, "", "", ctx.Err()
	case c.Line == "slow":
		<-ctx.Done()
		return -1, "", "", ctx.Err()
	}
	code := 0
	if list := s.codes[c.Line]; len(list) > 0 {
		code, s.codes[c.Line] = list[0], list[1:]
	}
	return code, "", "said " + c.Line + "\n", nil
}

func (s *software) Save(state engine.State) error {
	var err error
	s.saved, err = json.Marshal(state)
	return err
}

func (s *software) Report(status.Message) error { return nil }

// deploys runs a sequence in an installed system to its end, through restarts and power cuts.
func (s *software) deploys(x *Executor, seq *sequence.Sequence, variables map[string]string) (end engine.Ending, restarts int) {
	s.t.Helper()
	env := sequence.NewEnvironment()
	for name, value := range variables {
		if err := env.Set(name, value); err != nil {
			s.t.Fatal(err)
		}
	}
	state := engine.New(env)
	for range 10 {
		ctx, cancel := context.WithCancel(s.t.Context())
		if restarts == 0 {
			s.cut = cancel
		}
		e := &engine.Engine{Sequence: seq, State: state, Executor: x, Journal: s, Reporter: s, Stage: x.Stage, Now: time.Now,
			Wait: func(context.Context, time.Duration) error { return nil }}
		end, err := e.Run(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			s.t.Fatal(err)
		}
		if err == nil && end.Restart == nil {
			return end, restarts
		}
		restarts, state = restarts+1, engine.State{}
		if err := json.Unmarshal(s.saved, &state); err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("it never ends")
	return end, restarts
}

func TestInstallPackage(t *testing.T) {
	list := func(entries ...string) map[string]string {
		out := map[string]string{"Edition": "small"}
		for i, e := range entries {
			out[sequence.ListVariable("AA", i+1)] = e
		}
		return out
	}
	for _, tt := range []struct {
		name, step string
		variables  map[string]string
		codes      map[string][]int
		ran        string
		restarts   int
		fails      string
	}{
		{"one", "package: Office, program: install", list(), nil, "office small", 0, ""},
		{"one that asks for a restart", "package: Office, program: Install", list(), map[string][]int{"office small": {100}}, "office small", 1, ""},
		{"as a user, in a folder", "package: Office, program: Fonts", list(), nil, "fonts as deploy", 0, ""},
		{"one that fails", "package: Office, program: Install", list(), map[string][]int{"office small": {9}}, "office small", 0, "exit code 9"},
		{"another try", "package: Office, program: Install, retry: {count: 1}", list(), map[string][]int{"office small": {9}}, "office small, office small", 0, ""},
		{"time is over", "package: Office, program: Slow", list(), nil, "slow", 0, "time limit of 1ns"},
		{"a list", "list: AA", list("Office:Install", "CEN00001:Fonts"), nil, "office small, fonts as deploy", 0, ""},
		{"a restart within", "list: AA", list("Office:Install", "A: viewer:Install", "Office:Fonts"), map[string][]int{"office small": {100}, "viewer": {3}}, "office small, viewer, fonts as deploy", 2, ""},
		{"a restart at the end", "list: AA", list("Office:Fonts", "A: viewer:Install"), nil, "fonts as deploy, viewer", 1, ""},
		{"it stops at a failure", "list: AA", list("A: viewer:Install", "Office:Install", "Office:Fonts"), map[string][]int{"office small": {9}}, "viewer, office small", 1, "exit code 9"},
		{"it goes on, and fails in the end", "list: AA, continueOnFailure: true", list("Office:Install", "A: viewer:Install", "Office:Fonts"), map[string][]int{"office small": {9}}, "office small, viewer, fonts as deploy", 1, "1 of 3 programs failed: AA001=Office:Install"},
		{"another try runs what failed", "list: AA, continueOnFailure: true, retry: {count: 1}", list("Office:Fonts", "Office:Install"), map[string][]int{"office small": {9}}, "fonts as deploy, office small, office small", 0, ""},
		{"a gap ends it", "list: AA", list("Office:Fonts", "", "Office:Install"), nil, "fonts as deploy", 0, ""},
		{"an empty list", "list: AA", list(), nil, "", 0, ""},
		{"an unknown entry, before anything runs", "list: AA", list("Office:Fonts", "Office:Nothing"), nil, "", 0, `variable AA002: package "Office" has no program "Nothing"`},
		{"a package that is not there", "list: AA", list("Office:Fonts", "Nothing:Install"), nil, "", 0, `AA002: package "Nothing" is not among`},
		{"no entry", "list: AA", list("Office"), nil, "", 0, "write Package:Program"},
		{"a power cut", "list: AA", list("Office:Fonts", "Office:Cut"), nil, "fonts as deploy, cut", 1, "not marked rerunnable"},
		{"a power cut, rerunnable", "list: AA, rerunnable: true", list("Office:Fonts", "Office:Cut", "Office:Install"), nil, "fonts as deploy, cut, cut, office small", 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seq := steps(t, "  - installPackage: {"+tt.step+"}\n")
			s := &software{t: t, codes: tt.codes}
			x := executor(t, seq, &fake{})
			x.Packages, x.Commands, x.Stage = s, s, status.StageInstalledSystem
			end, restarts := s.deploys(x, seq, tt.variables)
			if got := strings.Join(s.ran, ", "); got != tt.ran || restarts != tt.restarts {
				t.Errorf("ran %s, %d restarts, want %s, %d", got, restarts, tt.ran, tt.restarts)
			}
			if end.Succeeded != (tt.fails == "") || !strings.Contains(end.Reason, tt.fails) {
				t.Errorf("%+v, want %q", end, tt.fails)
			}
			if left, _ := os.ReadDir(filepath.Join(x.Folder.Content(), "run")); len(left) > 0 {
				t.Errorf("packages are left: %v", left)
			}
		})
	}
}

// TestNotInTheBootImage: what changes the installed system is refused before it is there.
func TestNotInTheBootImage(t *testing.T) {
	for _, step := range []string{"installPackage: {package: Office, program: Install}", "installSoftwareUpdates: {updates: all}"} {
		seq := steps(t, "  - "+step+"\n")
		x := executor(t, seq, &fake{})
		res := x.Execute(t.Context(), seq.Flatten()[0], sequence.NewEnvironment())
		if res.Err == nil || !strings.Contains(res.Err.Error(), "put the step behind setupOperatingSystem") {
			t.Errorf("%s: %v", step, res.Err)
		}
	}
}

// TestPackageFolders: content is there while it is needed, and by the variables as long as the
// sequence runs.
func TestPackageFolders(t *testing.T) {
	seq := steps(t, `
  - runCommandLine: {command: look, package: Office, workingDirectory: share}
  - setTaskSequenceVariable: {variable: SMSTSPersistContent, value: "true"}
  - runCommandLine: {command: look, package: CEN00002}
  - downloadPackageContent: {packages: [Office, "A: viewer"], variable: DL}
  - downloadPackageContent: {packages: [Office], to: "%OSDTargetSystemRoot%/opt", variable: OPT}
  - downloadPackageContent: {packages: [Office], to: "%Nothing%/opt"}
  - runCommandLine: {command: look, package: Office, workingDirectory: ../..}
`)
	s := &software{t: t}
	x := executor(t, seq, &fake{})
	x.Packages, x.Commands = s, s
	env, opt := sequence.NewEnvironment(), t.TempDir()
	for name, value := range map[string]string{"OSDTargetSystemRoot": opt} {
		if err := env.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	var wrong []string
	for _, line := range seq.Flatten() {
		if res := x.Execute(t.Context(), line, env); res.Err != nil {
			wrong = append(wrong, res.Err.Error())
		}
	}
	if len(wrong) != 2 || !strings.Contains(wrong[0], "gives no folder") || !strings.Contains(wrong[1], "give a folder of the package") {
		t.Errorf("%q", wrong)
	}
	for dir, want := range map[string]bool{x.Folder.Content() + "/run/CEN00001": false, x.Folder.Content() + "/run/CEN00002": true, opt + "/opt/CEN00001": true,
		x.Folder.Content() + "/sequence/CEN00001": true, x.Folder.Content() + "/sequence/CEN00002": true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
	for name, want := range map[string]string{"DL01": x.Folder.Content() + "/sequence/CEN00001", "DL02": x.Folder.Content() + "/sequence/CEN00002", "OPT01": opt + "/opt/CEN00001"} {
		if got, _ := env.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !slices.Contains(s.fetch, "CEN00001 ") {
		t.Errorf("fetched %q", s.fetch)
	}
	if err := x.Folder.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(x.Folder.Content()); !os.IsNotExist(err) {
		t.Errorf("content outlives the job: %v", err)
	}
}

// updated plays the package management.
type updated struct {
	mandatory, restart bool
	err                error
}

func (u *updated) Install(_ context.Context, mandatory bool) (string, bool, error) {
	u.mandatory = mandatory
	return "2 updates", u.restart, u.err
}

func TestInstallSoftwareUpdates(t *testing.T) {
	for _, tt := range []struct {
		updates string
		with    updated
	}{{"mandatory", updated{}}, {"all", updated{restart: true}}, {"all", updated{restart: true, err: errors.New("no network")}}} {
		seq := steps(t, "  - installSoftwareUpdates: {updates: "+tt.updates+"}\n")
		x, u := executor(t, seq, &fake{}), tt.with
		x.Updates, x.Stage = &u, status.StageInstalledSystem
		res := x.Execute(t.Context(), seq.Flatten()[0], sequence.NewEnvironment())
		if u.mandatory != (tt.updates == "mandatory") || (res.Restart != nil) != (u.restart && u.err == nil) || !errors.Is(res.Err, u.err) || res.Output != "2 updates" {
			t.Errorf("%+v: %+v", tt, res)
		}
	}
}
