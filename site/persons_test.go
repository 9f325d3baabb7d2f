package site

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// add applies a person and gives him a token; rights is YAML of his object.
func (r *rig) add(name, rights string) *peer {
	r.t.Helper()
	r.apply("kind: Person\nname: " + name + "\n" + rights)
	return r.peer(must[api.SignInToken](r.t, r.person(), "POST", "/v1/persons/"+name+"/token", nil).Token, nil)
}

// added is the name of a person that was added.
func (r *rig) added(name string) string {
	r.t.Helper()
	r.add(name, "")
	return name
}

// certified asks for a certificate as somebody, and signs in with it alone.
func (r *rig) certified(by *peer, name string) *peer {
	r.t.Helper()
	k, csr := key(r.t)
	got := must[api.PersonCertificate](r.t, by, "POST", "/v1/persons/"+name+"/certificate", api.PersonCSR{CSR: csr, Days: 30})
	return r.peer("", trusttest.Pair(r.t, []byte(got.Certificate), k))
}

// whoAmI is the status of the question, and the answer.
func whoAmI(p *peer) (int, string) {
	p.rig.t.Helper()
	code, raw := p.call("GET", "/v1/whoami", nil)
	_, rest, _ := strings.Cut(string(raw), `"name":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return code, name
}

func wantWho(t *testing.T, what string, p *peer, code int, name string) {
	t.Helper()
	if got, who := whoAmI(p); got != code || code == http.StatusOK && who != name {
		t.Errorf("%s: %d %q, want %d %q", what, got, who, code, name)
	}
}

func TestSignIn(t *testing.T) {
	r := newRig(t)
	ben := r.add("ben", "rights: [{allow: [see]}]\n")
	wantWho(t, "token", ben, 200, "ben")
	cert := r.certified(ben, "ben") // everybody makes his own
	wantWho(t, "certificate", cert, 200, "ben")
	both := *cert
	both.token = ben.token
	wantWho(t, "both", &both, 200, "ben")
	both.token = r.token
	wantWho(t, "token and certificate of two persons", &both, 401, "")
	both.token = "bw1.wrong"
	wantWho(t, "a wrong token beside a good certificate", &both, 401, "")

	renewed := r.peer(must[api.SignInToken](t, ben, "POST", "/v1/persons/ben/token", nil).Token, nil)
	wantWho(t, "the token before", ben, 401, "")
	wantWho(t, "the new token", renewed, 200, "ben")
	wantWho(t, "the certificate after a new token", cert, 200, "ben")

	r.apply("kind: Person\nname: ben\ndisabled: true\nrights: [{allow: [see]}]\n")
	wantWho(t, "token of a disabled person", renewed, 401, "")
	wantWho(t, "certificate of a disabled person", cert, 401, "")
	if code, raw := r.person().call("POST", "/v1/persons/ben/token", nil); code != 422 {
		t.Errorf("a token for a disabled person: %d %s", code, raw)
	}
	r.apply("kind: Person\nname: ben\nrights: [{allow: [see]}]\n")
	wantWho(t, "enabled again", cert, 200, "ben")
	if code, raw := r.person().call("DELETE", "/v1/persons/ben/credentials", nil); code != 204 {
		t.Fatalf("revoke: %d %s", code, raw)
	}
	wantWho(t, "revoked token", renewed, 401, "")
	wantWho(t, "revoked certificate", cert, 401, "")

	gone := r.certified(r.person(), "ben")
	if code, raw := r.person().call("DELETE", "/v1/objects/Person/ben", nil); code != 204 {
		t.Fatalf("delete: %d %s", code, raw)
	}
	wantWho(t, "certificate of a person who is gone", gone, 401, "")
	r.add("ben", "role: administrator\n") // another of that name
	wantWho(t, "certificate of an earlier person of that name", gone, 401, "")
}

// TestCertificatesThatAreNotKept: the signature of the CA is not enough.
func TestCertificatesThatAreNotKept(t *testing.T) {
	r := newRig(t)
	ben := r.add("ben", "")
	k, csr := key(t)
	chain, _, err := r.keys.CA.Person(csr, "ann", r.clock.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair := trusttest.Pair(t, chain, k)
	wantWho(t, "certificate of ann that the site does not know", r.peer("", pair), 401, "")
	// One whose name is not that of the person it is kept for.
	if err := r.write(t.Context(), func(x store.Tx) error {
		return x.AddCredential(store.Credential{Hash: fingerprintDER(pair.Certificate[0]), Kind: store.CredentialCertificate, Person: "ben"})
	}); err != nil {
		t.Fatal(err)
	}
	wantWho(t, "certificate of ann that is kept for ben", r.peer("", pair), 401, "")
	// The certificate itself, which is public, is no bearer token.
	leaf, err := x509.ParseCertificate(r.certified(ben, "ben").pair(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if name, err := r.holder(t.Context(), store.CredentialToken, fingerprintDER(leaf.Raw)); err == nil {
		t.Errorf("the bytes of a certificate as a token sign in %s", name)
	}
	// One that has ended does not come through the handshake.
	late := r.certified(ben, "ben")
	r.clock.add(31 * day)
	late.http.CloseIdleConnections()
	if code, err := late.status("GET /v1/whoami"); err == nil {
		t.Errorf("a certificate that has ended: %d", code)
	}
	if _, err := r.holder(t.Context(), store.CredentialCertificate, fingerprintDER(leaf.Raw)); err == nil {
		t.Error("a certificate that has ended is still kept as good")
	}
}

// TestCredentials: the list holds what counts now, and nothing that proves anything.
func TestCredentials(t *testing.T) {
	r := newRig(t)
	ben := r.add("ben", "")
	first, made := r.certified(ben, "ben"), r.clock.now()
	r.clock.add(20 * day)
	r.certified(r.person(), "ben")
	serial := func(p *peer) string {
		leaf, err := x509.ParseCertificate(p.pair(t).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%X", leaf.SerialNumber.Bytes())
	}
	list := func(p *peer) (said []string) {
		_, raw := p.call("GET", "/v1/persons/ben/credentials", nil)
		for _, secret := range []string{ben.token, trust.TokenHash(ben.token), fingerprintDER(first.pair(t).Certificate[0])} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("%q is in %s", secret, raw)
			}
		}
		for _, c := range must[api.Credentials](t, p, "GET", "/v1/persons/ben/credentials", nil).Credentials {
			said = append(said, fmt.Sprintf("%s by %s after %v days, serial %v", c.Kind, c.MadeBy, int(c.MadeAt.Sub(made)/day), c.Serial == serial(first)))
			if ends := c.Kind == store.CredentialCertificate; ends == c.ExpiresAt.IsZero() || ends != (c.Serial != "") {
				t.Errorf("%+v", c)
			}
		}
		return said
	}
	want := []string{"token by ann after 0 days, serial false", "certificate by ben after 0 days, serial true", "certificate by ann after 20 days, serial false"}
	for _, p := range []*peer{ben, r.person()} {
		if got := list(p); !slices.Equal(got, want) {
			t.Errorf("credentials are %q, want %q", got, want)
		}
	}
	r.clock.add(15 * day)
	if got := list(ben); !slices.Equal(got, []string{want[0], want[2]}) {
		t.Errorf("when the first certificate has ended: %q", got)
	}
	r.apply("kind: Person\nname: ben\ndisabled: true\n")
	if c := must[api.Credentials](t, r.person(), "GET", "/v1/persons/ben/credentials", nil); !c.Disabled || len(c.Credentials) != 2 {
		t.Errorf("disabled: %+v", c)
	}
	r.person().call("DELETE", "/v1/persons/ben/credentials", nil)
	if got := list(r.person()); len(got) != 0 {
		t.Errorf("revoked: %q", got)
	}
}

// pair is the certificate that a peer shows.
func (p *peer) pair(t *testing.T) *tls.Certificate {
	t.Helper()
	c, err := p.http.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCredentialsOfOthers: only administrators list, make and revoke them.
func TestCredentialsOfOthers(t *testing.T) {
	r := newRig(t)
	r.add("tom", "")
	mighty := r.add("ben", "rights: [{allow: [see, change, deploy]}]\n")
	small := r.add("eve", "rights: [{allow: [see], folder: Nowhere}]\n")
	_, csr := key(t)
	for _, c := range []struct{ method, path string }{{"POST", "/token"}, {"POST", "/certificate"}, {"GET", "/credentials"}, {"DELETE", "/credentials"}} {
		for name, p := range map[string]*peer{"who may change all": mighty, "who may do nothing": small} {
			for _, of := range []string{"ann", "tom"} {
				code, raw := p.call(c.method, "/v1/persons/"+of+c.path, api.PersonCSR{CSR: csr})
				if want := map[*peer]int{mighty: 403, small: 404}[p]; code != want {
					t.Errorf("%s %s of %s as one %s: %d %s, want %d", c.method, c.path, of, name, code, raw, want)
				}
			}
		}
	}
	for _, days := range []int{-1, 401} {
		if code, raw := small.call("POST", "/v1/persons/eve/certificate", api.PersonCSR{CSR: csr, Days: days}); code != 400 {
			t.Errorf("%d days: %d %s", days, code, raw)
		}
	}
	for _, yaml := range []string{
		"kind: Person\nname: ben\nrole: administrator\n", "kind: Person\nname: new\nrole: administrator\n", "kind: Person\nname: ann\ndisabled: true\nrole: administrator\n",
		"kind: Person\nname: tom\nrights: [{allow: [see, change, deploy]}]\n",
	} {
		if code, raw := mighty.applies(yaml); code != 403 || !strings.Contains(string(raw), "administrators") {
			t.Errorf("%q: %d %s", yaml, code, raw)
		}
	}
	if code, raw := mighty.call("DELETE", "/v1/objects/Person/tom", nil); code != 403 {
		t.Errorf("delete a person: %d %s", code, raw)
	}
	me := must[api.Person](t, mighty, "GET", "/v1/whoami", nil)
	if me.Role != "" || len(me.Rights) != 1 {
		t.Errorf("who am I: %+v", me)
	}
	if l := must[api.ObjectList](t, small, "GET", "/v1/objects/Person", nil); len(l.Objects) != 1 || !strings.Contains(string(l.Objects[0]), `"eve"`) {
		t.Errorf("persons that eve sees: %s", l.Objects)
	}
}

// applies sends one YAML file.
func (p *peer) applies(yaml string) (int, []byte) {
	p.rig.t.Helper()
	return p.call("POST", "/v1/apply", api.Apply{Documents: []api.Document{{File: "x.yaml", YAML: yaml}}})
}

// TestLastAdministrator: somebody who can sign in must be left to put things right.
func TestLastAdministrator(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Person\nname: ben\nrole: administrator\n") // cannot sign in yet
	refused := func(when string) {
		t.Helper()
		for what, call := range map[string]func() (int, []byte){
			"disable": func() (int, []byte) {
				return r.person().applies("kind: Person\nname: ann\nrole: administrator\ndisabled: true\n")
			},
			"strip":  func() (int, []byte) { return r.person().applies("kind: Person\nname: ann\n") },
			"delete": func() (int, []byte) { return r.person().call("DELETE", "/v1/objects/Person/ann", nil) },
			"revoke": func() (int, []byte) { return r.person().call("DELETE", "/v1/persons/ann/credentials", nil) },
		} {
			code, raw := call()
			if e := problemOf(t, raw); code != 422 || !strings.Contains(e.Remedy, "person token") {
				t.Errorf("%s, %s: %d %s", what, when, code, raw)
			}
		}
	}
	refused("beside one who cannot sign in")
	ben := r.certified(r.person(), "ben")
	r.apply("kind: Person\nname: ben\nrole: administrator\ndisabled: true\n")
	refused("beside one who is disabled")
	r.apply("kind: Person\nname: ben\nrole: administrator\n")
	if code, raw := ben.call("DELETE", "/v1/objects/Person/ann", nil); code != 204 {
		t.Errorf("of two one may go: %d %s", code, raw)
	}
	// A new name voids certificates, and ben has nothing else.
	id := must[osd.Person](t, ben, "GET", "/v1/objects/Person/ben", nil).ID
	if code, raw := ben.applies("kind: Person\nid: " + id + "\nname: benjamin\nrole: administrator\n"); code != 422 {
		t.Errorf("rename the last, who has a certificate alone: %d %s", code, raw)
	}
}

// TestRenamedPerson: tokens go with him, also when two swap names; certificates do
// not.
func TestRenamedPerson(t *testing.T) {
	r := newRig(t)
	ben, eve := r.add("ben", ""), r.add("eve", "rights: [{allow: [see]}]\n")
	cert := r.certified(ben, "ben")
	id := func(name string) string {
		return must[osd.Person](t, r.person(), "GET", "/v1/objects/Person/"+name, nil).ID
	}
	a := r.apply(fmt.Sprintf("kind: Person\nid: %s\nname: eve\n---\nkind: Person\nid: %s\nname: ben\nrights: [{allow: [see]}]\n", id("ben"), id("eve")))
	if !strings.Contains(notes(a.Changes[0]), "certificates bear the name") {
		t.Errorf("notes: %v", a.Changes)
	}
	wantWho(t, "ben's token", ben, 200, "eve")
	wantWho(t, "eve's token", eve, 200, "ben")
	wantWho(t, "ben's certificate", cert, 401, "")
	if code, raw := r.person().applies("kind: Person\nname: BEN\n"); code != 400 || !strings.Contains(string(raw), "belongs to") {
		t.Errorf("a name that differs in case: %d %s", code, raw)
	}
}

// TestAdopt: the administrators of a site from before there were persons get their
// objects at the next start, and nobody does later.
func TestAdopt(t *testing.T) {
	r := newRig(t)
	old := "bw1." + r.anchor.Fingerprint() + ".old"
	change := func(f func(store.Tx) error) {
		t.Helper()
		if err := r.write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	change(func(x store.Tx) error {
		p, err := x.Object(osd.KindPerson, "ann")
		if err != nil {
			return err
		}
		if err := x.AddCredential(store.Credential{Hash: trust.TokenHash(old), Kind: store.CredentialToken, Person: "j.doe"}); err != nil {
			return err
		}
		return x.DeleteObject(p.ID)
	})
	wantWho(t, "without an object", r.person(), 401, "")
	if err := r.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantWho(t, "adopted", r.person(), 200, "ann")
	wantWho(t, "a name that new persons cannot have", r.peer(old, nil), 200, "j.doe")
	if p := must[osd.Person](t, r.person(), "GET", "/v1/objects/Person/ann", nil); p.Role != osd.RoleAdministrator || p.ID == "" {
		t.Errorf("ann is %+v", p)
	}
	change(func(x store.Tx) error {
		p, err := x.Object(osd.KindPerson, "j.doe")
		if err != nil {
			return err
		}
		return x.DeleteObject(p.ID)
	})
	if err := r.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantWho(t, "gone after that", r.peer(old, nil), 401, "")
	if _, err := Init(t.Context(), t.TempDir(), "CEN", "j.doe", r.clock.now()); err == nil || !strings.Contains(err.Error(), "hyphens") {
		t.Errorf("a new site of j.doe: %v", err)
	}
}

// TestPersonsAreAudited: every change has an entry that says who.
func TestPersonsAreAudited(t *testing.T) {
	r := newRig(t)
	ben := r.add("ben", "")
	r.certified(ben, "ben")
	r.person().call("DELETE", "/v1/persons/ben/credentials", nil)
	r.person().call("DELETE", "/v1/objects/Person/ben", nil)
	var got []string
	for _, e := range must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil) {
		if e.Object == `Person "ben"` {
			got = append(got, e.Who+" "+e.What)
		}
	}
	if want := []string{"ann apply", "ann sign-in-token", "ben certificate", "ann revoke", "ann delete"}; !slices.Equal(got, want) {
		t.Errorf("audit log has %q, want %q", got, want)
	}
}

// TestTries: wrong sign-ins are answered with 429 after some; a good one never is.
func TestTries(t *testing.T) {
	r := newRig(t)
	bad := r.peer("bw1.wrong", nil)
	for range wrongBurst {
		wantWho(t, "one of few", bad, 401, "")
	}
	wantWho(t, "one too many", bad, 429, "")
	wantWho(t, "a good token from there", r.person(), 200, "ann")
	r.clock.add(wrongEvery)
	wantWho(t, "later", bad, 401, "")
	wantWho(t, "and again", bad, 429, "")
	few := newTries()
	for i := range 3 * maxSources {
		few.allow(fmt.Sprint(i), r.clock.now())
		if i > 2*wrongBurst && few.allow("mallory", r.clock.now()) {
			t.Fatalf("a flood from %d other sources gives one its tries back", i)
		}
		if i <= 2*wrongBurst {
			few.allow("mallory", r.clock.now())
		}
	}
	if n := few.by.Len(); n > maxSources {
		t.Errorf("%d sources are kept", n)
	}
	for address, want := range map[string]string{"192.0.2.1:5": "192.0.2.1", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[fe80::1%eth0]:5": "fe80::/64", "pipe": "pipe", "[::ffff:192.0.2.1]:5": "::ffff:192.0.2.1"} {
		if got := sourceOf(&http.Request{RemoteAddr: address}); got != want {
			t.Errorf("%s: source %s, want %s", address, got, want)
		}
	}
}

// TestPeopleInPolicy: a box is told who may do something there, and no more.
func TestPeopleInPolicy(t *testing.T) {
	r := newRig(t)
	r.apply("kind: Box\nname: one\n---\nkind: Box\nname: two\n")
	r.add("tom", "comment: tall\nfolder: Staff\nrights: [{allow: [see]}]\ntechnician: {boxes: [one, two], may: [approve]}\n")
	r.apply("kind: Person\nname: dan\ndisabled: true\ntechnician: {boxes: ['*']}\n---\nkind: Person\nname: una\ntechnician: {boxes: [two]}\n---\nkind: Person\nname: eve\nrights: [{allow: [see]}]\n")
	r.certified(r.person(), "tom")
	r.certified(r.person(), "eve")
	box, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/one/token", nil).Token, "s")
	s, _ := box.policy(t, "")
	if len(s.People) != 2 || s.People[0].Name != "ann" || !s.People[0].CanAt("one", osd.MayMedia) || s.People[1].Name != "tom" {
		t.Fatalf("people are %+v", s.People)
	}
	tom := s.People[1]
	if tom.Rights != nil || tom.Comment != "" || tom.Folder != "" || tom.CanAt("two", osd.MayApprove) || tom.CanAt("one", osd.MayClear) || !tom.CanAt("one", osd.MayApprove) {
		t.Errorf("tom is %+v", tom)
	}
	if len(s.Certificates) != 1 || len(s.Certificates["tom"]) != 1 {
		t.Errorf("certificates are %v", s.Certificates)
	}
	r.person().call("DELETE", "/v1/persons/tom/credentials", nil)
	if s, _ = box.policy(t, ""); len(s.Certificates) != 0 {
		t.Errorf("after the revocation: %v", s.Certificates)
	}
}
