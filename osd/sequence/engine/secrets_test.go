package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

const word = "Canary-of-a-released-secret"

// vault runs steps that use a secret, and keeps everything that is stored or
// reported.
type vault struct {
	t       *testing.T
	stored  strings.Builder
	seen    []string // what each try found in its variables
	results []Result
	asked   int
	refuse  error
}

func (v *vault) Execute(_ context.Context, line sequence.Line, env *sequence.Environment) Result {
	value, _ := env.Get("JoinPassword")
	v.seen = append(v.seen, value)
	if line.Name() != "Join" {
		return Result{Output: "[" + value + "]"}
	}
	shown, err := env.Public().Expand("%JoinPassword%")
	if err != nil || strings.Contains(shown, word) {
		v.t.Errorf("a command line holds %q, %v", shown, err)
	}
	for name, value := range map[string]string{"Copy": "x" + word, "joinpassword": "changed", "Other": "kept"} {
		if err := env.Set(name, value); err != nil {
			v.t.Error(err)
		}
	}
	res := v.results[0]
	v.results = v.results[1:]
	return res
}

func (v *vault) Save(s State) error {
	raw, err := json.Marshal(s)
	v.stored.Write(raw)
	return err
}

func (v *vault) Report(m status.Message) error {
	raw, err := json.Marshal(m)
	v.stored.Write(append(raw, '\n'))
	return err
}

func (v *vault) run(document string) (Ending, error) {
	env := sequence.NewEnvironment()
	if err := env.Set("JoinPassword", "before"); err != nil {
		v.t.Fatal(err)
	}
	e := &Engine{Sequence: decoded(v.t, document), State: New(env), Executor: v, Journal: v, Reporter: v, Stage: status.StageBootImage, Now: time.Now,
		Wait: func(context.Context, time.Duration) error { return nil },
		Secrets: func(_ context.Context, line sequence.Line) (map[string]string, error) {
			v.asked++
			if line.Number != 2 {
				v.t.Errorf("asked for the secrets of step %d", line.Number)
			}
			return map[string]string{"JoinPassword": word, "NotAskedFor": word}, v.refuse
		}}
	return e.Run(v.t.Context())
}

const joins = `{"format":1,"requires":["secrets"],"name":"s","steps":[{"runCommandLine":{"name":"Before","command":"x"}},
	{"runCommandLine":{"name":"Join","command":"x","secrets":{"JoinPassword":"join"},"retry":{"count":1}%s}},{"runCommandLine":{"name":"After","command":"x"}}]}`

// TestSecretsOfAStep: they are there while the step runs, in each try, and
// nowhere else: not in the state, not in a message, not in a variable.
func TestSecretsOfAStep(t *testing.T) {
	for _, tt := range []struct {
		name, options string
		results       []Result
		want          bool
	}{
		{"the second try succeeds", "", []Result{{ExitCode: 1, Output: word}, {Output: "it was " + word + ", " + word}}, true},
		{"it fails", "", []Result{{ExitCode: 1}, {Output: word, Err: fmt.Errorf("with %s: %w", word, errors.New("refused"))}}, false},
		{"the failure is passed over", `,"continueOnError":true`, []Result{{ExitCode: 1}, {ExitCode: 5, Output: word}}, true},
		{"it restarts", "", []Result{{Restart: &Restart{To: sequence.ToInstalledOS, Message: word}}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &vault{t: t, results: tt.results}
			end, err := v.run(fmt.Sprintf(joins, tt.options))
			if err != nil || end.Succeeded != tt.want || v.asked != 1 {
				t.Errorf("ending %+v, %v; asked %d times", end, err, v.asked)
			}
			if what, ok := canary.Find([]byte(v.stored.String()+end.Reason+end.Output), word); ok {
				t.Errorf("stored: %s\n%s", what, v.stored.String())
			}
			for i, seen := range v.seen {
				in := i >= 1 && i <= 2 && (i == 1 || len(tt.results) == 2)
				if want := map[bool]string{true: word, false: "before"}[in]; seen != want && seen != "changed" {
					t.Errorf("try %d found %q, want %q", i, seen, want)
				}
			}
			if len(v.seen) > 3 && v.seen[3] != "before" {
				t.Errorf("the next step found %q: what the variable held before is not back", v.seen[3])
			}
			if !strings.Contains(v.stored.String(), `"Copy":"x********"`) || !strings.Contains(v.stored.String(), `"Other":"kept"`) {
				t.Errorf("stored variables:\n%s", v.stored.String())
			}
		})
	}
}

func TestSecretsAreNotReleased(t *testing.T) {
	v := &vault{t: t, refuse: errors.New("the box says no")}
	end, err := v.run(fmt.Sprintf(joins, ""))
	if err != nil || end.Succeeded || end.Step != 2 || !strings.Contains(end.Reason, "not released: the box says no") || !slices.Equal(v.seen, []string{"before"}) {
		t.Errorf("ending %+v, %v; seen %q", end, err, v.seen)
	}
	b := &bench{}
	b.run(t, decoded(t, fmt.Sprintf(joins, "")))
	if got := b.b.String(); strings.Contains(got, "run   2") || !strings.Contains(got, "cannot ask for any") {
		t.Errorf("without a way to ask:\n%s", got)
	}
}

// asked is a machine that notes what it is asked.
type asked struct {
	sequence.Facts
	texts []string
}

func (a *asked) Query(text string) (bool, string, error) {
	a.texts = append(a.texts, text)
	return false, "no class in " + text, nil
}

// TestSecretInCondition: a condition may ask with a secret variable, and neither the reason of a
// skip, nor a warning, nor the words of a restart show its value.
func TestSecretInCondition(t *testing.T) {
	env := sequence.NewEnvironment()
	if err := errors.Join(env.SetSecret("Word", word), env.Set("SMSTSRebootRequested", "HD"), env.Set("SMSTSRebootMessage", "the word is "+word)); err != nil {
		t.Fatal(err)
	}
	var said []string
	note := func(_ sequence.Line, text string) { said = append(said, text) }
	v, a := &vault{t: t}, &asked{}
	e := &Engine{Sequence: decoded(t, `{"format":1,"name":"s","steps":[
		{"runCommandLine":{"command":"x","condition":{"variable":"Word","equals":"%Word%2"}}},
		{"runCommandLine":{"command":"x","condition":{"query":"SELECT * FROM Win32_BIOS WHERE SerialNumber = '%Word%'"}}},
		{"runCommandLine":{"command":"x"}}]}`),
		State: New(env), Executor: v, Journal: v, Reporter: v, Now: time.Now, Facts: a, Skipped: note, Warned: note}
	end, err := e.Run(t.Context())
	if err != nil || end.Restart == nil || len(a.texts) != 1 || !strings.Contains(a.texts[0], word) || len(said) != 3 {
		t.Fatalf("%+v, %v, asked %q, said %q", end, err, a.texts, said)
	}
	for line := range strings.Lines(v.stored.String()) {
		if !strings.Contains(line, `"variables"`) && strings.Contains(line, word) { // the state keeps what it must
			t.Errorf("a message shows it: %s", line)
		}
	}
	for _, text := range append(said, end.Restart.Message) {
		if strings.Contains(text, word) || !strings.Contains(text, "********") {
			t.Errorf("said: %s", text)
		}
	}
}
