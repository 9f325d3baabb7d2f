package sequence

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/osd"
)

func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		name        string
		q           Question
		typed, want string
		fails       string
	}{
		{"typed", Question{}, " Bay 3 ", "Bay 3", ""},
		{"nothing", Question{}, " ", "", "an answer is needed"},
		{"the default", Question{Default: "Ward 7"}, "", "Ward 7", ""},
		{"optional", Question{Optional: true}, "", "", ""},
		{"a choice, in other letters", Question{Choices: []string{"Ward", "Office"}}, "ward", "Ward", ""},
		{"none of the choices", Question{Choices: []string{"Ward", "Office"}}, "lab", "", "Ward, Office"},
		{"the pattern", Question{Pattern: `[0-9]{3}`}, "123", "123", ""},
		{"more than the pattern", Question{Pattern: `[0-9]{3}|x`}, "1234", "", "form"},
		{"blanks of a secret count", Question{Secret: true}, " s ", " s ", ""},
		{"a secret is not repeated", Question{Secret: true, Pattern: "a"}, "canary", "", "form"},
		{"too long", Question{}, strings.Repeat("x", MaxAnswer+1), "", "longer than"},
	} {
		got, err := tt.q.Answer(tt.typed)
		if got != tt.want || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

func TestQuestionsAreChecked(t *testing.T) {
	good := Question{Variable: "Ward", Prompt: "Which ward?", Default: "7", Pattern: "[0-9]+"}
	for _, tt := range []struct {
		name   string
		change func(q *Question)
		field  string
	}{
		{"good", func(*Question) {}, ""},
		{"read-only", func(q *Question) { q.Variable = "_SMSTSMP" }, "questions[0].variable"},
		{"no prompt", func(q *Question) { q.Prompt = "" }, "questions[0].prompt"},
		{"control character", func(q *Question) { q.Prompt = "a\x1b[2J" }, "questions[0].prompt"},
		{"secret with a default", func(q *Question) { q.Secret = true }, "questions[0].default"},
		{"default that does not fit", func(q *Question) { q.Default = "x" }, "questions[0].default"},
		{"pattern", func(q *Question) { q.Pattern = "[" }, "questions[0].pattern"},
		{"pattern and choices", func(q *Question) { q.Choices = []string{"7"} }, "questions[0].choices"},
		{"empty choice", func(q *Question) { q.Pattern, q.Choices = "", []string{"7", ""} }, "questions[0].choices"},
	} {
		q := good
		tt.change(&q)
		s := &Sequence{Meta: osd.Meta{Name: "s"}, Questions: []Question{q}, Steps: []Node{{Step: &RunCommandLine{Command: "true"}}}}
		err := s.Validate()
		if (err == nil) != (tt.field == "") || err != nil && !strings.Contains(err.Error(), tt.field) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	twice := good
	twice.Variable = "WARD"
	s := &Sequence{Meta: osd.Meta{Name: "s"}, Questions: []Question{good, twice}, Steps: []Node{{Step: &RunCommandLine{Command: "true"}}}}
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "questions[1].variable") {
		t.Errorf("two questions of one variable: %v", err)
	}
}

// TestQuestionsAreRequired: a program that does not know questions refuses the sequence.
func TestQuestionsAreRequired(t *testing.T) {
	s := &Sequence{Meta: osd.Meta{Name: "s"}, Questions: []Question{{Variable: "A", Prompt: "a"}, {Variable: "B", Prompt: "b", Optional: true}},
		Steps: []Node{{Step: &RunCommandLine{Command: "true"}}}}
	raw, err := s.Canonical()
	if err != nil || !strings.Contains(string(raw), `"requires":["questions"]`) {
		t.Fatalf("%s, %v", raw, err)
	}
	again, err := Decode(raw)
	if err != nil || len(again.Questions) != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	if got := again.Unanswered(); len(got) != 1 || got[0] != "A" {
		t.Errorf("unanswered %q", got)
	}
}
