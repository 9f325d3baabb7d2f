package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/site/client"
)

// TestPersons: a new colleague gets a context of his own, then a certificate, and
// loses both.
func TestPersons(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "ben.yaml")
	if err := os.WriteFile(file, []byte("kind: Computer\nname: pc1\nmacs: [52:54:00:77:00:11]\n---\nkind: Person\nname: ben\nrights: [{allow: [see], kind: Computer}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "apply", "-f", file)
	if out, _ := r.want(exitDone, "person", "list"); !strings.Contains(out, "administrator") || !strings.Contains(out, "1 rights") {
		t.Errorf("person list: %s", out)
	}
	if out, _ := r.want(exitDone, "person", "show", "ben"); !strings.Contains(out, "kind: Person") {
		t.Errorf("person show: %s", out)
	}
	his := filepath.Join(dir, "ben-context.yaml")
	if out, errs := r.want(exitDone, "person", "token", "ben", "--context-out", his); strings.Contains(out, "bw1.") || !strings.Contains(errs, his) {
		t.Errorf("person token: %s%s", out, errs)
	}
	r.want(exitFailed, "person", "token", "ben", "--context-out", his) // exists
	if out, _ := r.want(exitDone, "--context", his, "computer", "list"); !strings.Contains(out, "pc1") {
		t.Errorf("computers as ben: %s", out)
	}
	if _, errs := r.want(exitFailed, "--context", his, "computer", "delete", "pc1"); !strings.Contains(errs, "`change`") {
		t.Errorf("delete as ben: %s", errs)
	}
	if _, errs := r.want(exitFailed, "--context", his, "site", "audit"); !strings.Contains(errs, "administrator") {
		t.Errorf("audit as ben: %s", errs)
	}

	pem := filepath.Join(dir, "ben.pem")
	r.want(exitUsage, "person", "certificate", "ben")
	r.want(exitDone, "--context", his, "person", "certificate", "ben", "-o", pem, "--days", "30")
	r.want(exitFailed, "--context", his, "person", "certificate", "ben", "-o", pem) // exists
	if st, err := os.Stat(pem); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%s: mode %v, %v", pem, st.Mode(), err)
	}
	c, err := client.LoadContext(his)
	if err != nil {
		t.Fatal(err)
	}
	c.Token, c.Certificate = "", "ben.pem"
	if err := c.Save(his); err != nil {
		t.Fatal(err)
	}
	if out, _ := r.want(exitDone, "--context", his, "computer", "list"); !strings.Contains(out, "pc1") {
		t.Errorf("computers with a certificate: %s", out)
	}
	if out, _ := r.want(exitDone, "--context", his, "person", "credentials", "ben"); !strings.Contains(out, "when the next is made") || strings.Count(out, "certificate") != 1 || strings.Count(out, "  ben  ") != 1 {
		t.Errorf("credentials: %s", out)
	}
	if out, _ := r.want(exitDone, "--json", "person", "credentials", "ben"); !strings.Contains(out, `"madeBy": "ann"`) {
		t.Errorf("credentials as JSON: %s", out)
	}
	r.want(exitFailed, "--context", his, "person", "credentials", "ann")
	if _, errs := r.want(exitRefused, "person", "revoke", "ben"); !strings.Contains(errs, "2 tokens and certificates of ben become void") || !strings.Contains(errs, "--yes") {
		t.Errorf("revoke without a terminal: %s", errs)
	}
	r.want(exitDone, "--context", his, "computer", "list")
	r.want(exitDone, "person", "revoke", "ben", "--yes")
	r.want(exitFailed, "--context", his, "computer", "list")
	if _, errs := r.want(exitRefused, "person", "revoke", "ann", "--yes"); !strings.Contains(errs, "no administrator") {
		t.Errorf("revoke the last administrator: %s", errs)
	}

	// One's own new token goes into the context file, or one would be locked out.
	r.want(exitDone, "person", "token", "ben") // he has none
	if _, errs := r.want(exitRefused, "person", "token", "ann"); !strings.Contains(errs, "The token of ann becomes void") {
		t.Errorf("a token in place of another: %s", errs)
	}
	r.want(exitDone, "person", "token", "ann", "--yes")
	if _, errs := r.want(exitRefused, "person", "delete", "ben"); !strings.Contains(errs, "1 tokens and certificates are void") {
		t.Errorf("delete: %s", errs)
	}
	r.want(exitDone, "person", "delete", "ben", "-y")
	if _, errs := r.want(exitFailed, "person", "token", "nobody"); !strings.Contains(errs, `Person "nobody"`) {
		t.Errorf("nobody: %s", errs)
	}
}

// TestAuditFilters: each filter leaves what it is for.
func TestAuditFilters(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(file, []byte("kind: Box\nname: one\n---\nkind: Box\nname: two\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "apply", "-f", file)
	for _, c := range []struct {
		args, has, hasNot string
	}{
		{"--who ANN", "apply", ""}, {"--who bob", "WHO", "ann"}, {"--what init", "init", "apply"}, {"--object one", `"one"`, `"two"`},
		{"--since 2001-01-01", "apply", ""}, {"--since 2999-01-01T10:00", "WHO", "ann"},
	} {
		out, _ := r.want(exitDone, append([]string{"site", "audit"}, strings.Fields(c.args)...)...)
		if !strings.Contains(out, c.has) || c.hasNot != "" && strings.Contains(out, c.hasNot) {
			t.Errorf("site audit %s: %s", c.args, out)
		}
	}
	r.want(exitUsage, "site", "audit", "--since", "yesterday")
}
