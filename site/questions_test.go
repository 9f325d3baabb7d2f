package site

import (
	"strings"
	"testing"
)

// TestMandatoryAnswersItself: a question that somebody must answer, and a mandatory
// advertisement, are refused together, whichever of the two is changed.
func TestMandatoryAnswersItself(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	const (
		steps     = "steps:\n  - runCommandLine: {command: id}\n---\n"
		asks      = "kind: TaskSequence\nname: Ask\nbootImage: linux-x64\nquestions:\n  - {variable: Bay, prompt: In which bay}\n" + steps
		answers   = "kind: TaskSequence\nname: Ask\nbootImage: linux-x64\nquestions:\n  - {variable: Bay, prompt: In which bay, default: \"1\"}\n" + steps
		available = "kind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Ask\n"
		mandatory = available + "mandatory: [asSoonAsPossible]\n"
	)
	refused := func(documents string) {
		t.Helper()
		e := r.refuse(documents)
		for _, want := range []string{`Advertisement "New" starts by itself`, `TaskSequence "Ask" asks for Bay`, "a default"} {
			if !strings.Contains(e.Detail+e.Remedy, want) {
				t.Errorf("%q %q lacks %q", e.Detail, e.Remedy, want)
			}
		}
	}
	refused(asks + mandatory)
	r.apply(asks + available)
	refused(mandatory)
	r.apply(answers + mandatory)
	refused(asks)
}

// TestInnerQuestionsAreAsked: the questions of a sequence that another one runs travel with that
// one, stand against mandatory as its own do, and are refused where two take different answers.
func TestInnerQuestionsAreAsked(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	inner := func(question string) string {
		return strings.Replace(says("Inner", "id"), "steps:", "questions:\n  - "+question+"\nsteps:", 1)
	}
	const advert = "kind: Advertisement\nname: New\ncollection: Ward 7\nsequence: Outer\n"
	r.apply(inner("{variable: Bay, prompt: In which bay}") + runs("Outer", "Inner") + advert)
	if seq := r.pinned("ward7-box", "Outer"); seq == nil || !strings.Contains(string(seq.Document), `"questions":[{"variable":"Bay","prompt":"In which bay"}]`) || !strings.Contains(string(seq.Document), `"requires":["questions"]`) {
		t.Fatalf("in policy: %+v", seq)
	}
	e := r.refuse(advert + "mandatory: [asSoonAsPossible]\n")
	if !strings.Contains(e.Detail, `TaskSequence "Inner" asks for Bay`) {
		t.Errorf("mandatory: %+v", e)
	}
	r.apply(inner("{variable: Bay, prompt: In which bay, default: '1'}") + advert + "mandatory: [asSoonAsPossible]\n")
	if e = r.refuse(strings.TrimSuffix(inner("{variable: Bay, prompt: In which bay}"), "---\n")); !strings.Contains(e.Detail, `TaskSequence "Inner" asks for Bay`) {
		t.Errorf("the inner one is changed: %+v", e)
	}
	outer := strings.Replace(runs("Outer", "Inner"), "steps:", "questions:\n  - {variable: bay, prompt: Which bay, default: '2'}\nsteps:", 1)
	if e = r.refuse(strings.TrimSuffix(outer, "---\n")); !strings.Contains(e.Detail, `"Outer" and "Inner" both ask for Bay`) || e.Remedy == "" {
		t.Errorf("two answers: %+v", e)
	}
}
