package diff

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/sequence"
)

func parse(t *testing.T, text string) *sequence.Sequence {
	t.Helper()
	objects, err := document.Decode("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects[0].(*sequence.Sequence)
}

// head makes a sequence of steps in JSON, which is YAML.
func head(steps string) string {
	return "kind: TaskSequence\nname: S\nsteps: [" + steps + "]\n"
}

const (
	one   = `{runCommandLine: {name: One, command: a, timeout: 1m}}`
	two   = `{runCommandLine: {name: Two, command: b}}`
	three = `{runCommandLine: {name: Three, command: c}}`
)

func TestCompare(t *testing.T) {
	in := func(name, steps string) string { return "{group: " + name + ", steps: [" + steps + "]}" }
	for _, tt := range []struct{ name, a, b, want string }{
		{"nothing", one + "," + two, one + "," + two, ""},
		{"added", one, one + "," + two, "+ 2  runCommandLine \"Two\"\n    in the sequence itself\n    command: b"},
		{"removed", one + "," + two, two, "- 1  runCommandLine \"One\"\n    in the sequence itself\n    timeout: 1m0s\n    command: a"},
		{"changed", one, strings.Replace(one, "1m", "2m", 1), "~ 1  runCommandLine \"One\"\n    in the sequence itself\n    timeout: 1m0s → 2m0s"},
		{"given and left out", one, strings.Replace(one, "timeout: 1m", "workingDirectory: /x", 1), "~ 1  runCommandLine \"One\"\n    in the sequence itself\n    + workingDirectory: /x\n    - timeout: 1m0s"},
		{"renamed", one, strings.Replace(one, "One", "First", 1), "~ 1  runCommandLine \"First\"\n    in the sequence itself\n    name: One → First"},
		{"another step", `{runCommandLine: {name: One, command: a}}`, `{runCommandLine: {name: First, command: z}}`,
			"+ 1  runCommandLine \"First\"\n    in the sequence itself\n    command: z\n\n- 1  runCommandLine \"One\"\n    in the sequence itself\n    command: a"},
		{"moved", one + "," + two + "," + three, three + "," + one + "," + two, "> 3 → 1  runCommandLine \"Three\"\n    moved within the sequence itself"},
		{"moved into a group", in("G", one) + "," + two, in("G", one+","+two), "> 3  runCommandLine \"Two\"\n    moved from the sequence itself to G"},
		{"group renamed", in("G", one), in("H", one), "~ 1  group \"H\"\n    in the sequence itself\n    group: G → H"},
		{"group taken away", in("G", one+","+two), one + "," + two, "> 2 → 1  runCommandLine \"One\"\n    moved from G to the sequence itself\n\n" +
			"> 3 → 2  runCommandLine \"Two\"\n    moved from G to the sequence itself\n\n- 1  group \"G\"\n    in the sequence itself"},
		{"of one name, the one that is alike", `{runCommandLine: {command: a}}, {runCommandLine: {command: b}}`, `{runCommandLine: {command: b}}`,
			"- 1  runCommandLine \"Run Command Line\"\n    in the sequence itself\n    command: a"},
		{"secret value", `{setTaskSequenceVariable: {variable: P, value: hunter22, secret: true}}`, `{setTaskSequenceVariable: {variable: P, value: hunter23, secret: true}}`,
			"~ 1  setTaskSequenceVariable \"Set Task Sequence Variable\"\n    in the sequence itself\n    value: ******** → ********"},
		{"condition", `{runCommandLine: {command: a, condition: {variable: A, equals: "1"}}}`, `{runCommandLine: {command: a, condition: {variable: A, equals: "2"}}}`,
			"~ 1  runCommandLine \"Run Command Line\"\n    in the sequence itself\n    condition: A is \"1\" → A is \"2\""},
	} {
		got := strings.Join(Text(Compare(parse(t, head(tt.a)), parse(t, head(tt.b))), 80, nil), "\n")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestOfTheSequence(t *testing.T) {
	a := parse(t, "kind: TaskSequence\nname: S\nbootImage: x\nvariables: {A: \"1\", B: \"2\"}\nsteps: ["+one+"]\n")
	b := parse(t, "kind: TaskSequence\nname: S\nvariables: {A: \"3\", C: \"\"}\nsteps: ["+one+"]\n")
	got := strings.Join(Text(Compare(a, b), 80, nil), "\n")
	if want := "~ the task sequence\n    - bootImage: x\n    variables.A: 1 → 3\n    - variables.B: 2"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestQuestions: a question is part of what the machine does.
func TestQuestions(t *testing.T) {
	with := func(q string) *sequence.Sequence {
		return parse(t, "kind: TaskSequence\nname: S\nquestions: [{variable: Bay, prompt: Bay?"+q+"}]\nsteps: ["+one+"]\n")
	}
	got := strings.Join(Text(Compare(with(", default: \"1\""), with(", default: \"2\", choices: [\"1\", \"2\"]")), 80, nil), "\n")
	if !strings.Contains(got, "questions.Bay.default: 1 → 2") || !strings.Contains(got, "+ questions.Bay.choices: ") || strings.Contains(got, "prompt") {
		t.Errorf("got %s", got)
	}
}

// TestWidth: long values are folded, control characters cannot write elsewhere, colours cost no room.
func TestWidth(t *testing.T) {
	long := strings.Repeat("word ", 40) + strings.Repeat("x", 200)
	a, b := parse(t, head(one)), parse(t, head(one))
	b.Steps[0].Step.(*sequence.RunCommandLine).Command = long + "\x1b[2J"
	colored := 0
	for _, width := range []int{80, 40} {
		for _, line := range Text(Compare(a, b), width, func(op Op, text string) string {
			colored++
			if n := utf8.RuneCountInString(text); n > width || strings.Contains(text, "\x1b") {
				t.Errorf("%d columns: %q", n, text)
			}
			return "\x1b[32m" + text + "\x1b[0m"
		}) {
			if line == "" {
				t.Error("an empty line")
			}
		}
	}
	if colored == 0 {
		t.Error("nothing was coloured")
	}
}

// FuzzCompare: nothing differs only if the sequences are equal, and what is added one way is removed
// the other way.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"s","steps":[{"group":"g","steps":[{"setupOperatingSystem":{}}]},{"runCommandLine":{"command":"x"}}]}`), []byte(`{"format":1,"name":"s","steps":[{"runCommandLine":{"command":"x"}},{"group":"h","steps":[{"setupOperatingSystem":{}},{"runCommandLine":{"command":"x"}}]}]}`))
	f.Add([]byte(`{"format":1,"name":"s","variables":{"A":"1"},"steps":[{"setupOperatingSystem":{}}]}`), []byte(`{"format":1,"name":"s","variables":{"A":""},"steps":[{"setupOperatingSystem":{"timeout":"1s"}}]}`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		a, errA := sequence.Decode(one)
		b, errB := sequence.Decode(two)
		if errA != nil || errB != nil {
			return
		}
		if same := Compare(a, a); len(same) > 0 {
			t.Fatalf("a sequence differs from itself: %+v", same)
		}
		there, back := Compare(a, b), Compare(b, a)
		count := func(changes []Change, op Op) int {
			n := 0
			for _, c := range changes {
				if c.Op == op {
					n++
				}
			}
			return n
		}
		if x, y := len(a.Flatten())+count(there, Added), len(b.Flatten())+count(there, Removed); x != y {
			t.Errorf("%d nodes with those added, %d with those removed: %+v", x, y, there)
		}
		if (len(there) == 0) != (len(back) == 0) {
			t.Errorf("there %+v, back %+v", there, back)
		}
		_ = fmt.Sprint(Text(there, 80, nil))
	})
}
