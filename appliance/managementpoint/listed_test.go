package managementpoint

import (
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// TestListedPackages: the packages that variables list for a machine are content of its job, with
// their programs; where one is not whole the machine is not offered what it could not finish.
func TestListedPackages(t *testing.T) {
	r := newRig(t)
	r.ward()
	program := []osd.Program{{Name: "Install", Command: "sh install.sh"}}
	r.policy.Packages = []osd.Package{
		{Meta: osd.Meta{ID: "P1", Name: "Office"}, Content: osd.Content{Manifest: "office"}, Programs: program},
		{Meta: osd.Meta{ID: "P2", Name: "Other"}, Content: osd.Content{Manifest: "other"}, Programs: program},
	}
	for i := range r.policy.Sequences {
		r.policy.Sequences[i].Content, r.policy.Sequences[i].Lists = nil, []string{"AA"}
	}
	for i := range r.policy.Computers {
		r.policy.Computers[i].Variables = map[string]string{"AA001": "Office:Install"}
	}
	p := r.direct(time.Now)
	office := false
	p.Complete = func(m string) bool { return m != "office" || office }
	v, err := p.Decide(t.Context(), policy.Machine{MACs: []string{wardMAC}})
	fatal(t, err)
	if len(v.Offers) > 0 || !strings.Contains(full(v), "Package Office is not complete at this box yet") {
		t.Errorf("%d offers: %s", len(v.Offers), full(v))
	}
	office = true
	_, csr := r.key()
	c, failed := p.claim(t.Context(), api.Claim{Identity: api.Identity{MACs: []string{wardMAC}}, Advertisement: "A1", Person: true, CSR: csr}, "10.7.0.20")
	if failed != nil {
		t.Fatal(failed)
	}
	j, err := r.store.Job(t.Context(), c.Job)
	fatal(t, err)
	got := j.Document.Content
	if len(got) != 1 || got[0].ID != "P1" || got[0].Kind != "Package" || osd.FindProgram(got[0].Programs, "install") == nil {
		t.Errorf("content of the job: %+v", got)
	}
}
