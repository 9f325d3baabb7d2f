package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/canary"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

const (
	secretCanary   = "Canary-of-a-join-password"
	passwordCanary = "Canary-of-a-pxe-password"
	pinCanary      = "739184620573"
)

// joining are a sequence that uses a secret and its advertisement, beside ward;
// the other box serves another ward.
const joining = ward + `---
kind: Box
name: ward8-box
---
kind: Computer
name: ward8-pc1
macs: [52:54:00:88:00:11]
box: ward8-box
---
kind: Collection
name: Ward 8
members: [ward8-pc1]
---
kind: Secret
name: join
---
kind: TaskSequence
name: Join
bootImage: linux-x64
steps:
  - runCommandLine: {command: join, secrets: {JoinPassword: join}}
---
kind: Advertisement
name: Join the domain
collection: Ward 7
sequence: Join
---
kind: Person
name: tom
technician: {boxes: [ward7-box]}
`

// sealedRig is a site of two wards with boxes that have sealing keys.
type sealedRig struct {
	*rig
	keys map[string]*trust.SealingKey // by name of the box
}

func newSealedRig(t *testing.T) *sealedRig {
	r := &sealedRig{newRig(t), map[string]*trust.SealingKey{}}
	r.contents()
	// ward7-box serves all for which no other box is named.
	r.apply(strings.Replace(joining, "macs: [52:54:00:77:00:11]", "macs: [52:54:00:77:00:11]\nbox: ward7-box", 1))
	return r
}

// enrolSealing enrols a box with a new sealing key.
func (r *sealedRig) enrolSealing(name, state string) *peer {
	r.t.Helper()
	var err error
	if r.keys[name], err = trust.NewSealingKey(); err != nil {
		r.t.Fatal(err)
	}
	token := must[api.EnrolToken](r.t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token
	k, client := key(r.t)
	_, intermediate := key(r.t)
	e := must[api.Enrolled](r.t, r.peer("", nil), "POST", "/v1/box/enrol", api.Enrol{Token: token, ClientCSR: client, IntermediateCSR: intermediate,
		StateID: state, SealingKey: r.keys[name].Public()})
	p := r.peer("", trusttest.Pair(r.t, []byte(e.Certificate), k))
	p.id, p.name, p.state = e.Box, e.BoxName, state
	return p
}

// put sends a value and returns the status.
func (r *rig) put(path string, body any) (int, []byte) {
	r.t.Helper()
	return r.person().call("PUT", path, body)
}

func (r *rig) set(path string, body any) {
	r.t.Helper()
	if code, raw := r.put(path, body); code != 204 {
		r.t.Fatalf("PUT %s: %d %s", path, code, raw)
	}
}

// values are what a box can open of its policy, by kind and name.
func (r *sealedRig) values(p *peer) (map[string]string, *policy.Snapshot) {
	r.t.Helper()
	s, _ := p.policy(r.t, "")
	out := map[string]string{}
	for _, v := range s.Sealed {
		value, err := r.keys[p.name].Open(v.Context(p.id), v.Ciphertext)
		if err != nil {
			r.t.Errorf("%s of %s at %s: %v", v.Kind, v.Name, p.name, err)
		}
		if _, err := r.keys[p.name].Open(v.Context("CEN99999"), v.Ciphertext); err == nil {
			r.t.Errorf("%s of %s opens for another box", v.Kind, v.Name)
		}
		out[v.Kind+" "+v.Name] = string(value)
	}
	return out, s
}

// TestValuesTravelSealed: a box gets the values that it needs, sealed to its own
// key; a box of another ward gets nothing of them; policy that has not changed
// keeps its number.
func TestValuesTravelSealed(t *testing.T) {
	r := newSealedRig(t)
	box, other := r.enrolSealing("ward7-box", "s7"), r.enrolSealing("ward8-box", "s8")
	if got, s := r.values(box); len(got) != 0 || len(s.Sealed) != 0 {
		t.Errorf("before there is a value: %v", got)
	}
	r.set("/v1/secrets/join/value", api.SecretValue{Value: secretCanary})
	r.set("/v1/persons/tom/pin", api.NewPIN{PIN: pinCanary})
	r.set("/v1/boxes/ward7-box/password", api.SecretValue{Value: passwordCanary})
	got, first := r.values(box)
	if len(got) != 3 || got["secret join"] != secretCanary {
		t.Errorf("the box opens %v", got)
	}
	for name, want := range map[string]string{"pin tom": pinCanary, "pxePassword ward7-box": passwordCanary} {
		if ok, err := trust.CheckPassword(got[name], want); !ok || err != nil {
			t.Errorf("%s is %q: %v, %v", name, got[name], ok, err)
		}
	}
	for _, q := range first.Sequences {
		if want := map[bool]string{true: "[join]", false: "[]"}[q.Name == "Join"]; fmt.Sprint(q.Secrets) != want {
			t.Errorf("sequence %s uses secrets %v, want %s", q.Name, q.Secrets, want)
		}
	}
	if got, _ := r.values(other); len(got) != 0 {
		t.Errorf("a box of another ward gets %v", got)
	}
	r.set("/v1/boxes/ward8-box/password", api.SecretValue{Value: passwordCanary}) // a change elsewhere
	if _, again := r.values(box); again.Number != first.Number {
		t.Errorf("policy %d.%d although nothing changed: it was %d", again.Epoch, again.Number, first.Number)
	}
	r.set("/v1/secrets/join/value", api.SecretValue{Value: secretCanary + "-2"})
	if got, s := r.values(box); got["secret join"] != secretCanary+"-2" || s.Number == first.Number || s.Secret("join").Revision != 2 {
		t.Errorf("a new value: %v, policy %d, was %d", got, s.Number, first.Number)
	}
	// The same state with another key, and another state: sealed anew.
	for _, state := range []string{"s7", "t7"} {
		box = r.enrolSealing("ward7-box", state)
		if got, _ := r.values(box); len(got) != 3 {
			t.Errorf("after the box enrolled again: %v", got)
		}
	}
}

// TestOldBox: a box that enrolled before there were sealing keys gets no value,
// and is told to lack it.
func TestOldBox(t *testing.T) {
	r := newSealedRig(t)
	r.set("/v1/secrets/join/value", api.SecretValue{Value: secretCanary})
	old, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token, "s")
	if s, _ := old.policy(t, ""); len(s.Sealed) != 0 {
		t.Errorf("sealed to no key: %v", s.Sealed)
	}
	lacks := func() string {
		for _, d := range must[api.BoxReady](t, r.person(), "GET", "/v1/boxes/ward7-box/ready", nil).Deployments {
			if d.Sequence == "Join" {
				return strings.Join(d.Lacks, "; ")
			}
		}
		t.Fatal("the deployment is not listed")
		return ""
	}
	if got := lacks(); !strings.Contains(got, "secret join has no value at this box") {
		t.Errorf("lacks: %q", got)
	}
	r.enrolSealing("ward7-box", "t")
	var err error
	if r.keys["other"], err = trust.NewSealingKey(); err != nil {
		t.Fatal(err)
	}
	if got := lacks(); strings.Contains(got, "secret") {
		t.Errorf("with a sealing key it lacks: %q", got)
	}
	// A token that was used is good for nobody with another sealing key.
	token := must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/ward7-box/token", nil).Token
	_, csr := key(t)
	for _, tt := range []struct {
		key  []byte
		want int
	}{{[]byte("no key"), 400}, {r.keys["ward7-box"].Public(), 200}, {r.keys["ward7-box"].Public(), 200}, {nil, 401}, {r.keys["other"].Public(), 401}} {
		if code, raw := r.peer("", nil).call("POST", "/v1/box/enrol", api.Enrol{Token: token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s", SealingKey: tt.key}); code != tt.want {
			t.Errorf("sealing key of %d bytes: %d %s, want %d", len(tt.key), code, raw, tt.want)
		}
	}
}

// TestWeakValues: what could be guessed, or could not be used, is refused with
// what to do, and without saying it again.
func TestWeakValues(t *testing.T) {
	r := newSealedRig(t)
	for _, tt := range []struct {
		path string
		body any
		want string
	}{
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "12345"}, "6 to 12"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "1234567890123"}, "6 to 12"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "73918a"}, "no digit"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "777777"}, "again and again"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "456789"}, "run of digits"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "987654"}, "run of digits"},
		{"/v1/persons/tom/pin", api.NewPIN{PIN: "890123"}, "run of digits"},
		{"/v1/boxes/ward7-box/password", api.SecretValue{Value: "sevenCh"}, "7 characters"},
		{"/v1/secrets/join/value", api.SecretValue{}, "empty"},
		{"/v1/secrets/join/value", api.SecretValue{Value: strings.Repeat("x", maxSecret+1)}, "longer"},
		{"/v1/secrets/join/value", api.SecretValue{Value: "a\x00b"}, "no text"},
		{"/v1/secrets/join/value", []byte("{\"value\":\"a\xffb\"}"), "no text"},
	} {
		code, raw := r.put(tt.path, tt.body)
		e := problemOf(t, raw)
		if code != 400 || !strings.Contains(e.Detail, tt.want) || e.Remedy == "" {
			t.Errorf("%s %v: %d %+v", tt.path, tt.body, code, e)
		}
	}
	for _, path := range []string{"/v1/persons/nobody/pin", "/v1/boxes/none/password", "/v1/secrets/none/value"} {
		if code, raw := r.put(path, map[string]string{"value": secretCanary, "pin": pinCanary}); code != 404 {
			t.Errorf("%s: %d %s", path, code, raw)
		}
	}
	for _, pin := range []string{"123455", "135791", "112233", pinCanary} {
		if why := weakPIN(pin); why != "" {
			t.Errorf("PIN %s %s", pin, why)
		}
	}
}

// TestDeletedValues: the values of an object go with it, also those that were
// sealed to boxes; a password can be taken away.
func TestDeletedValues(t *testing.T) {
	r := newSealedRig(t)
	box := r.enrolSealing("ward7-box", "s")
	r.set("/v1/secrets/join/value", api.SecretValue{Value: secretCanary})
	r.set("/v1/persons/tom/pin", api.NewPIN{PIN: pinCanary})
	r.set("/v1/boxes/ward7-box/password", api.SecretValue{Value: passwordCanary})
	r.values(box)
	r.set("/v1/boxes/ward7-box/password", api.SecretValue{})
	if got, _ := r.values(box); len(got) != 2 {
		t.Errorf("without the password: %v", got)
	}
	if code, raw := r.person().call("DELETE", "/v1/objects/Secret/join", nil); code != 409 {
		t.Errorf("a secret that is used was deleted: %d %s", code, raw)
	}
	for _, o := range []string{"Person/tom", "Advertisement/Join%20the%20domain", "TaskSequence/Join", "Secret/join"} {
		if code, raw := r.person().call("DELETE", "/v1/objects/"+o, nil); code != 204 {
			t.Fatalf("delete %s: %d %s", o, code, raw)
		}
	}
	err := r.store.Read(t.Context(), func(x store.Tx) error {
		kept, err := x.Secrets()
		sealed, err2 := x.BoxSecrets(box.id)
		if len(kept) != 0 || len(sealed) != 0 {
			t.Errorf("left: %d values, %d of the box", len(kept), len(sealed))
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSecretsWithoutApproval: what the administrator accepted is said when he
// applies it, stands in the grant and in the audit log.
func TestSecretsWithoutApproval(t *testing.T) {
	r := newSealedRig(t)
	wipe := `kind: TaskSequence
name: Wipe and join
bootImage: linux-x64
steps:
  - partitionDisk: {style: mbr, volumes: [{type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}]}
  - runCommandLine: {command: join, secrets: {JoinPassword: join}}
---
kind: Advertisement
name: Wipe and join
collection: Ward 7
sequence: Wipe and join
mandatory: [asSoonAsPossible]
confirmedMachines: 2
`
	without := wipe + "secretsWithoutApproval: true\n"
	a := r.apply(without)
	said := notes(find(a, osd.KindAdvertisement, "Wipe and join"))
	if !strings.Contains(said, "WARNING") || !strings.Contains(said, "no value yet") {
		t.Errorf("notes: %s", said)
	}
	r.apply(strings.ReplaceAll(wipe, "Wipe and join", "Wipe and join later"))
	accepted := map[bool]int{}
	err := r.store.Read(t.Context(), func(x store.Tx) error {
		grants, err := x.Grants(store.GrantFilter{})
		for _, g := range grants {
			accepted[g.SecretsWithoutApproval]++
		}
		return err
	})
	if err != nil || accepted[true] != 2 || accepted[false] != 4 {
		t.Errorf("grants %v, %v; want 2 with and 4 without", accepted, err)
	}
	if log, _ := json.Marshal(must[[]api.AuditEntry](t, r.person(), "GET", "/v1/audit", nil)); strings.Count(string(log), "secrets without approval") != 3 {
		t.Errorf("the audit log says it not of the advertisement and both grants: %s", log)
	}
	// Without a code there are no secrets: the machine would fail in the middle.
	starving := strings.ReplaceAll(wipe, "Wipe and join", "Starve") + "approval: none\n"
	code, raw := r.person().call("POST", "/v1/apply", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "s", YAML: starving}}})
	if e := problemOf(t, raw); code != http.StatusBadRequest || !strings.Contains(e.Error(), "fail in the middle") {
		t.Errorf("approval: none for a sequence with secrets: %d %s", code, raw)
	}
	r.apply(starving + "secretsWithoutApproval: true\n")
	said = notes(find(r.apply("kind: TaskSequence\nname: Plain\nsteps:\n  - setTaskSequenceVariable: {variable: P, value: in-the-clear, secret: true}\n"), osd.KindTaskSequence, "Plain"))
	if !strings.Contains(said, "secret variable P stands in the task sequence") || strings.Contains(said, "in-the-clear") {
		t.Errorf("a password in a sequence: %s", said)
	}
	said = notes(find(r.apply("kind: Advertisement\nname: Join the domain\ncollection: Ward 7\nsequence: Join\nsecretsWithoutApproval: true\n"), osd.KindAdvertisement, "Join the domain"))
	if !strings.Contains(said, "does nothing") {
		t.Errorf("an advertisement without grants: %s", said)
	}
}

// TestValuesAreKeptSealed: neither the database, nor a backup, nor policy, nor
// the audit log holds a value in any form.
func TestValuesAreKeptSealed(t *testing.T) {
	r := newSealedRig(t)
	box := r.enrolSealing("ward7-box", "s")
	r.set("/v1/secrets/join/value", api.SecretValue{Value: secretCanary})
	r.set("/v1/persons/tom/pin", api.NewPIN{PIN: pinCanary})
	r.set("/v1/boxes/ward7-box/password", api.SecretValue{Value: passwordCanary})
	search := func(where string, data []byte) {
		if what, ok := canary.Find(data, secretCanary, passwordCanary, pinCanary); ok || len(data) == 0 {
			t.Errorf("%s: %s", where, what)
		}
	}
	_, raw := box.policy(t, "")
	search("policy", raw)
	for _, path := range []string{"/v1/audit", "/v1/objects/Secret", "/v1/objects/Secret/join", "/v1/objects/Person/tom", "/v1/objects/Box/ward7-box"} {
		_, raw := r.person().call("GET", path, nil)
		search(path, raw)
	}
	for name, data := range files(t, r.dir) {
		if len(data) > 0 && !strings.HasPrefix(name, contentDir) {
			search(name, data)
		}
	}
	backup := filepath.Join(t.TempDir(), "cen.tar.zst")
	if err := Backup(t.Context(), r.dir, backup, false, "ann", r.clock.now()); err != nil {
		t.Fatal(err)
	}
	search("backup", unzstd(t, backup))
}

// TestSealingKey: it is made with a site, made for an older one, is in backups,
// and its loss does not go unnoticed.
func TestSealingKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	r := &rig{t: t, clock: &clockTime{}}
	if _, err := Init(t.Context(), dir, "CEN", "ann", r.clock.now()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, keysDir, sealingFile)
	made, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	open := func(dir string) (*Site, error) { return Open(t.Context(), dir, Options{}) }
	if err := os.Remove(file); err != nil { // an older site
		t.Fatal(err)
	}
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(file)
	if err != nil || bytes.Equal(made, again) {
		t.Errorf("an older site got no key: %v", err)
	}
	if _, err := s.Apply(t.Context(), "ann", api.Apply{Documents: []api.Document{{File: "a.yaml", YAML: "kind: Secret\nname: join\n"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSecret(t.Context(), "ann", "join", api.SecretValue{Value: secretCanary}); err != nil {
		t.Fatal(err)
	}
	backup, restored := filepath.Join(t.TempDir(), "b.tar.zst"), filepath.Join(t.TempDir(), "restored")
	if err := errors.Join(s.Close(), Backup(t.Context(), dir, backup, false, "ann", r.clock.now())); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), backup, restored, "ann", r.clock.now()); err != nil {
		t.Fatal(err)
	}
	if back, err := os.ReadFile(filepath.Join(restored, keysDir, sealingFile)); err != nil || !bytes.Equal(back, again) {
		t.Errorf("the restored site has another key: %v", err)
	}
	for name, lose := range map[string]func() error{"another key": func() error { return os.WriteFile(file, made, 0o600) }, "no key": func() error { return os.RemoveAll(file) }} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("a site with %s: %v", name, err)
		}
	}
}
