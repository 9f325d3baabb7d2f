package tsxml

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/sequence"
)

// sample puts nodes into a sequence.
func sample(nodes ...string) string {
	return `<?xml version="1.0"?>` + "\n" + `<sequence version="3.00" name="Ward" description="For wards">` + "\n" + strings.Join(nodes, "\n") + "\n</sequence>\n"
}

// command is a step that comes in without warnings.
const command = `<step type="SMS_TaskSequence_RunCommandLineAction" name="Say" successCodeList="0"><action>echo a</action></step>`

func mustImport(t *testing.T, src string) *Result {
	t.Helper()
	r, err := Import(strings.NewReader(src), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sequence.Validate(); err != nil {
		t.Fatalf("the import does not validate: %v", err)
	}
	return r
}

func mustExport(t *testing.T, s *sequence.Sequence) string {
	t.Helper()
	b, err := Export(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustEqual(t *testing.T, a, b string) {
	t.Helper()
	if ok, difference := Equal([]byte(a), []byte(b)); !ok {
		t.Errorf("the export differs: %s\n%s", difference, b)
	}
}

func TestImport(t *testing.T) {
	r := mustImport(t, sample(`<group name="All" expand="true"><action/>`+command+`<condition/></group>`))
	if r.Sequence.Name != "Ward" || r.Sequence.Comment != "For wards" || len(r.Warnings) > 0 {
		t.Errorf("%q, %q, warnings %v", r.Sequence.Name, r.Sequence.Comment, r.Warnings)
	}
	s := r.Sequence.Steps[0].Group.Steps[0].Step.(*sequence.RunCommandLine)
	if s.Name != "Say" || s.Command != "echo a" {
		t.Errorf("%+v", s)
	}
	mustEqual(t, sample(`<group name="All" expand="true"><action/>`+command+`<condition/></group>`), mustExport(t, r.Sequence))
}
