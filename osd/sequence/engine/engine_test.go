package engine

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

var update = flag.Bool("update", false, "write the golden files")

// bench plays executor, journal and reporter, and keeps a transcript.
type bench struct {
	b        strings.Builder
	saved    []byte
	saves    int
	failSave int // fail the save of this number
	results  map[string][]Result
	cancel   func() // called while step "cut" runs
}

func (b *bench) Execute(ctx context.Context, line sequence.Line, env *sequence.Environment) Result {
	fmt.Fprintf(&b.b, "  run   %d %s\n", line.Number, line.Name())
	switch a := line.Node.Step.(type) {
	case *sequence.SetTaskSequenceVariable:
		set := env.Set
		if a.Secret {
			set = env.SetSecret
		}
		return Result{Err: set(a.Variable, a.Value)}
	case *sequence.RestartComputer:
		return Result{Restart: &Restart{To: a.To, Message: a.Message}}
	case *sequence.RunCommandLine:
		if a.Command == "cut" {
			b.cancel()
			return Result{Err: context.Canceled}
		}
		if a.Command == "hang" {
			<-ctx.Done()
			return Result{Err: ctx.Err()}
		}
		text, err := env.Expand(a.Command)
		if list := b.results[a.Command]; len(list) > 0 {
			b.results[a.Command] = list[1:]
			return list[0]
		}
		return Result{Output: text, Err: err}
	}
	return Result{}
}

func (b *bench) Save(s State) error {
	b.saves++
	if b.saves == b.failSave {
		return errors.New("no space left on device")
	}
	raw, err := json.Marshal(s)
	b.saved = raw
	return err
}

func (b *bench) Report(m status.Message) error {
	fmt.Fprintf(&b.b, "%d %-5s step=%d action=%q group=%q code=%d output=%q\n", m.ID, map[string]string{status.StageBootImage: "boot", status.StageInstalledSystem: "disk"}[m.Stage], m.Step, m.Action, m.Group, m.ExitCode, m.Output)
	return nil
}

// run runs a sequence until it ends, through restarts and power cuts.
func (b *bench) run(t *testing.T, s *sequence.Sequence) {
	t.Helper()
	env := sequence.NewEnvironment()
	if err := env.SetReadOnly("_SMSTSBootUEFI", "true"); err != nil {
		t.Fatal(err)
	}
	state, stage := New(env), status.StageBootImage
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		b.cancel = cancel
		e := &Engine{Sequence: s, State: state, Executor: b, Journal: b, Reporter: b, Stage: stage,
			Now:  func() time.Time { return time.Unix(0, 0).UTC() },
			Wait: func(_ context.Context, d time.Duration) error { fmt.Fprintf(&b.b, "  wait  %s\n", d); return nil }}
		end, err := e.Run(ctx)
		cancel()
		fmt.Fprintf(&b.b, "end   succeeded=%v step=%d action=%q code=%d error=%v\n", end.Succeeded, end.Step, end.Action, end.ExitCode, err)
		if end.Restart != nil {
			fmt.Fprintf(&b.b, "  restart to %s %q\n", end.Restart.To, end.Restart.Message)
		}
		state = State{}
		if err := json.Unmarshal(b.saved, &state); err != nil {
			t.Fatal(err)
		}
		switch {
		case end.Restart != nil && end.Restart.To == sequence.ToInstalledOS:
			stage = status.StageInstalledSystem
		case err == nil && end.Restart == nil, err != nil && !errors.Is(err, context.Canceled):
			return
		}
	}
}

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := document.Decode(file, data)
			if err != nil {
				t.Fatal(err)
			}
			b := &bench{results: map[string][]Result{
				"fail":  {{ExitCode: 7, Output: "it broke"}},
				"three": {{ExitCode: 3}},
				"twice": {{ExitCode: 1}, {Err: errors.New("busy")}},
			}}
			b.run(t, objects[0].(*sequence.Sequence))
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(b.b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func one(command string) *sequence.Sequence {
	return &sequence.Sequence{Meta: osd.Meta{Name: "s"}, Steps: []sequence.Node{{Step: &sequence.RunCommandLine{Command: command}}}}
}

// TestSaveFails: a state that cannot be kept stops the run before the step.
func TestSaveFails(t *testing.T) {
	b := &bench{failSave: 2}
	b.run(t, one("echo"))
	if strings.Contains(b.b.String(), "run") || !strings.Contains(b.b.String(), "no space left") {
		t.Errorf("got\n%s", b.b.String())
	}
}

func TestStateOfAnotherSequence(t *testing.T) {
	for _, s := range []State{{Format: 2}, {Format: 1, Next: 9}, {Format: 1, Next: 1, Running: 5}, {Format: 1, Next: 1, Open: []int{1}}, {Format: 1, Next: 2, Ended: Failed}} {
		b := &bench{}
		e := &Engine{Sequence: one("echo"), State: s, Executor: b, Journal: b, Reporter: b, Now: time.Now}
		if end, err := e.Run(t.Context()); err == nil {
			t.Errorf("%+v: got %+v", s, end)
		}
	}
}

// TestWrongSystem: behind a restart into the installed system, a boot image is
// the wrong place to go on.
func TestWrongSystem(t *testing.T) {
	b := &bench{}
	e := &Engine{Sequence: one("echo"), State: State{Format: 1, Next: 2, Restarting: &Restart{To: sequence.ToInstalledOS}},
		Executor: b, Journal: b, Reporter: b, Now: time.Now, Stage: status.StageBootImage}
	end, err := e.Run(t.Context())
	if err != nil || end.Succeeded || !strings.Contains(end.Reason, "came up in bootImage") {
		t.Errorf("got %+v, %v", end, err)
	}
}

// FuzzState: whatever stands in a saved state, the engine refuses it, or goes on
// and leaves a state that it can go on from.
func FuzzState(f *testing.F) {
	data, err := os.ReadFile("testdata/ward.yaml")
	if err != nil {
		f.Fatal(err)
	}
	objects, err := document.Decode("ward.yaml", data)
	if err != nil {
		f.Fatal(err)
	}
	s := objects[0].(*sequence.Sequence)
	f.Add(`{"format":1}`)
	f.Add(`{"format":1,"next":3,"running":2,"open":[1]}`)
	f.Add(`{"format":1,"next":3,"open":[1],"failedAt":3,"exitCode":1,"reason":"x"}`)
	f.Add(`{"format":1,"next":1,"restarting":{"to":"installedOS","step":7}}`)
	f.Add(`{"format":1,"next":3,"open":[1],"restarting":{"to":"installedOS"},"variables":{"A":"1"},"secrets":["A"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var state State
		if json.Unmarshal([]byte(text), &state) != nil {
			return
		}
		b := &bench{cancel: func() {}}
		e := &Engine{Sequence: s, State: state, Executor: b, Journal: b, Reporter: b, Stage: status.StageBootImage,
			Now: func() time.Time { return time.Unix(0, 0) }, Wait: func(context.Context, time.Duration) error { return nil }}
		if _, err := e.Run(t.Context()); err != nil || len(b.saved) == 0 {
			return
		}
		var saved State
		if err := json.Unmarshal(b.saved, &saved); err != nil {
			t.Fatal(err)
		}
		if _, err := saved.Environment(); err != nil {
			t.Fatal(err)
		}
		if err := saved.fits(s.Flatten()); err != nil {
			t.Fatal(err)
		}
		if saved.Ended == Failed {
			if err := saved.Retry(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
