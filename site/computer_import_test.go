package site

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

func importing(t *testing.T, r *rig, in api.ComputerImport) api.ComputerImported {
	t.Helper()
	in.File = "pcs.csv"
	return must[api.ComputerImported](t, r.person(), "POST", "/v1/computers/import", in)
}

func TestImportComputers(t *testing.T) {
	r := newRig(t)
	r.contents()
	r.apply(ward)
	text := "name,mac,source,var:Owner\nnew-1,52-54-00-88-00-01,ward7-pc1,anna\nnew-2,52:54:00:88:00:02,,\n"
	if out := importing(t, r, api.ComputerImport{CSV: text, DryRun: true}); out.Created != 2 || len(out.Preview) != 2 || out.Preview[0].Variables["Owner"] != "anna" {
		t.Errorf("preview: %+v", out)
	}
	if got := membersOf(t, r, "All Systems"); len(got) != 2 {
		t.Errorf("a dry run imported: %v", got)
	}
	bad := text + "new 3,52:54:00:88:00:03,,\nnew-4,52:54:00:77:00:11,,\nnew-5,52:54:00:88:00:05,ghost,\n"
	out := importing(t, r, api.ComputerImport{CSV: bad})
	if !out.Refused || len(out.Bad) != 3 || out.Bad[0].Line != 4 || out.Bad[1].Line != 5 || !strings.Contains(out.Bad[1].What, "ward7-pc1") || out.Bad[2].Line != 6 {
		t.Errorf("bad rows: %+v", out)
	}
	if got := membersOf(t, r, "All Systems"); len(got) != 2 {
		t.Errorf("imported beside bad rows: %v", got)
	}
	if out := importing(t, r, api.ComputerImport{CSV: bad, SkipBad: true, Collection: "Ward 7"}); out.Refused || out.Created != 2 || len(out.Bad) != 3 {
		t.Errorf("without the bad rows: %+v", out)
	}
	if got := membersOf(t, r, "Ward 7"); !slices.Equal(got, []string{"new-1", "new-2", "ward7-pc1", "ward7-pc2"}) {
		t.Errorf("members: %v", got)
	}
	if a := must[osd.Association](t, r.person(), "GET", "/v1/objects/ComputerAssociation/ward7-pc1%20to%20new-1", nil); a.Source != "ward7-pc1" || a.Destination != "new-1" {
		t.Errorf("association: %+v", a)
	}
	if out := importing(t, r, api.ComputerImport{CSV: text}); out.Unchanged != 2 {
		t.Errorf("again: %+v", out)
	}
	named := map[string]int{}
	for _, e := range must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil) {
		if e.What == "import" && e.Who == "ann" {
			named[e.Object]++
		}
	}
	if named[`Computer "new-1"`] != 1 || named[`Computer "new-2"`] != 1 || named[`Collection "Ward 7"`] != 1 || named["pcs.csv"] == 0 {
		t.Errorf("the audit log names %v", named)
	}
	if code, raw := r.person().call("POST", "/v1/computers/import", api.ComputerImport{File: "x", CSV: "a,b\n"}); code != http.StatusBadRequest || !strings.Contains(string(raw), "are needed") {
		t.Errorf("%d %s", code, raw)
	}
}

// TestImportMany: a hundred thousand rows, twice, and a policy of them.
func TestImportMany(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: ward7-box\n")
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	box, _ := r.enrol(token, "state-1")
	var text strings.Builder
	text.WriteString("name,mac\n")
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&text, "pc-%d,52:54:%02x:%02x:%02x:00\n", i, i>>16, i>>8&255, i&255)
	}
	if out := importing(t, r, api.ComputerImport{CSV: text.String()}); out.Created != n {
		t.Fatalf("created %d", out.Created)
	}
	if out := importing(t, r, api.ComputerImport{CSV: text.String()}); out.Unchanged != n {
		t.Errorf("again: %+v", out)
	}
	if s, _ := box.policy(t, ""); len(s.Computers) != n {
		t.Errorf("%d computers in the policy", len(s.Computers))
	}
}
