package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/boxclient"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

const technicianPIN = "271828"

// staff puts a technician into the policy that the box holds, as the site would:
// signed, with a PIN that only this box can open. The box must not run.
func (r *rig) staff(may ...string) {
	t := r.t
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(r.dir, "policy", "current.json")
	raw, err := os.ReadFile(path)
	check(err)
	payload, err := trust.Open(raw, trust.TypePolicy, r.site.Anchor().Signing)
	check(err)
	var s policy.Snapshot
	check(json.Unmarshal(payload, &s))
	box, err := trust.NewSealingKey()
	check(err)
	s.People = []osd.Person{{Meta: osd.Meta{ID: "CEN0F001", Name: "bob"}, Technician: &osd.Technician{Boxes: []string{"ward7-box"}, May: may}}}
	pin := policy.Sealed{Kind: policy.SealedPIN, Object: "CEN0F001", Name: "bob", Revision: 1}
	pin.Ciphertext, err = trust.Seal(box.Public(), pin.Context(s.Box.ID), []byte(trust.NewVerifier(technicianPIN)))
	check(err)
	s.Sealed = []policy.Sealed{pin}
	r.unseal = func(v policy.Sealed) ([]byte, error) { return box.Open(v.Context(s.Box.ID), v.Ciphertext) }
	text, err := os.ReadFile(filepath.Join(r.siteDir, "keys", "signing.key"))
	check(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(err)
	payload, err = json.Marshal(s)
	check(err)
	raw, err = json.Marshal(trust.Sign(trust.TypePolicy, payload, key.(ed25519.PrivateKey)))
	check(err)
	check(os.WriteFile(path, raw, 0o600))
}

// technician is a client that has not signed in.
func (r *rig) technician() *boxclient.Client {
	r.t.Helper()
	c, err := boxclient.New(r.site.Anchor(), fmt.Sprintf("127.0.0.1:%d", r.ports[1]), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// wants looks at the code of an error.
func wants(t *testing.T, what string, err error, code api.Code) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestTechnicianWhileTheLineIsCut: a PIN lets in, limits outlive a restart, what
// is done reaches the site later, and a new policy locks out.
func TestTechnicianWhileTheLineIsCut(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	r.stopBox()
	r.staff()
	r.line.cut()
	r.startBox()
	r.ready()
	ctx, c := t.Context(), r.technician()
	if s, err := c.SignIn(ctx, "bob", technicianPIN); err != nil || len(s.May) != 4 {
		t.Fatalf("sign in: %+v, %v", s, err)
	}
	if s, err := c.State(ctx); err != nil || s.Box != "ward7-box" || !s.Ready || s.Line == "" {
		t.Errorf("state: %+v, %v", s, err)
	}
	if out, err := c.Clear(ctx, []string{"ward7-pc1"}); err != nil || fmt.Sprint(out.Computers) != "[ward7-pc1]" {
		t.Errorf("clear: %v, %v", out, err)
	}
	_, err := c.Decide(ctx, "000-000", "approve")
	wants(t, "a code of nobody", err, api.CodeNotFound)
	wants(t, "resume", c.Resume(ctx), api.CodeConflict)
	if code, text := r.target(mac1, guid).call("GET /openapi.json", nil, nil); code != http.StatusOK || !strings.Contains(text, "/v1/approvals/{code}") || !strings.Contains(text, "/v1/claim") {
		t.Errorf("the document of the routes: %d", code)
	}
	for range 5 {
		_, err := r.technician().SignIn(ctx, "bob", "wrong")
		wants(t, "a wrong PIN", err, api.CodeUnauthorized)
	}
	r.stopBox()
	r.startBox()
	r.ready()
	_, err = r.technician().SignIn(ctx, "bob", technicianPIN)
	wants(t, "after five wrong ones and a restart", err, api.CodeTooMany)
	_, err = c.State(ctx)
	wants(t, "the session of before the restart", err, api.CodeUnauthorized)
	r.clock.Store(int64(31e9)) // half a minute later
	if _, err := c.SignIn(ctx, "bob", technicianPIN); err != nil {
		t.Fatal(err)
	}
	r.line.mend()
	r.eventually("audit log at the site", func() error { return r.heard("clear-pxe", "sign-in", "sign-in-failed") })
	// The site's own policy has no such person.
	if _, err := r.site.Apply(ctx, "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "c.yaml", YAML: "kind: Computer\nname: ward7-pc9\nmacs: [\"52:54:00:77:00:19\"]\n"}}}); err != nil {
		t.Fatal(err)
	}
	r.eventually("locked out", func() error {
		_, err := c.State(ctx)
		var e *api.Error
		if !errors.As(err, &e) || e.Code != api.CodeUnauthorized {
			return fmt.Errorf("state: %v", err)
		}
		return nil
	})
}

// heard says which entries of bob are not in the site's audit log.
func (r *rig) heard(what ...string) error {
	log, err := r.site.AuditLog(r.t.Context(), 0)
	if err != nil {
		return err
	}
	for _, w := range what {
		found := false
		for _, e := range log {
			found = found || e.What == w && (strings.HasSuffix(e.Who, ": bob") || e.Object == "bob")
		}
		if !found {
			return fmt.Errorf("%s is not in %+v", w, log)
		}
	}
	return nil
}

// TestTypedAtTheConsole signs in and clears a mark at the box's own console.
func TestTypedAtTheConsole(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	r.stopBox()
	r.staff(osd.MayClear)
	r.line.cut()
	in, keys := io.Pipe()
	t.Cleanup(func() { keys.Close() })
	r.keyboard = in
	console := r.startBox()
	r.ready()
	say := func(typed, want string) {
		t.Helper()
		if _, err := io.WriteString(keys, typed); err != nil {
			t.Fatal(err)
		}
		r.eventually("console", func() error {
			if !strings.Contains(console.String(), want) {
				return fmt.Errorf("%q is not on the console: %s", want, console.String())
			}
			return nil
		})
	}
	say("\r", "> ")
	say("help\r", "sign in NAME")
	say("clear ward7-pc1\r", "who are you?")
	say("sign in bob\r", "PIN: ")
	say(technicianPIN+"\r", "signed in: bob, who may clear")
	say("resume\r", "may not let the box go on at ward7-box")
	say("clear ward7-pc1\r", "cleared: ward7-pc1")
	say("audit\r", "bob clear-pxe")
	say("sign out\r", "signed out")
	if strings.Contains(console.String(), technicianPIN) {
		t.Error("the PIN stands on the console")
	}
}
