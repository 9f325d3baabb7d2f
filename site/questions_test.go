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
