package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/osd/status"
)

const (
	variableCanary   = "Canary-of-a-variable-7f3a9c"
	collectionCanary = "Canary-of-a-collection-51be02"
)

// canaries are secrets by name, in every form that they are searched for.
type canaries map[string][][]byte

// add plants a secret: raw, in UTF-16 LE, and in base64 at each of the three
// places where it can begin inside a longer text.
func (c canaries) add(name string, secret []byte) {
	wide := make([]byte, 0, 2*len(secret))
	for _, u := range utf16.Encode([]rune(string(secret))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	forms := [][]byte{secret, wide}
	for _, text := range [][]byte{secret, wide} {
		for shift := range 3 {
			shifted := append(make([]byte, shift), text...)
			for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
				encoded := e.EncodeToString(shifted)
				if len(encoded) >= 16 { // both ends depend on what stands beside it
					forms = append(forms, []byte(encoded[4:len(encoded)-4]))
				}
			}
		}
	}
	c[name] = forms
}

// in names the canaries that are in some bytes.
func (c canaries) in(b []byte) (found []string) {
	for name, forms := range c {
		for i, f := range forms {
			if bytes.Contains(b, f) {
				found = append(found, fmt.Sprintf("%s (form %d)", name, i))
			}
		}
	}
	return found
}

// ofSite are the secrets of the rig's site: its keys and tokens.
func (r *rig) ofSite() canaries {
	r.t.Helper()
	c := canaries{}
	c.add("administrator's token", []byte(r.admin[strings.LastIndex(r.admin, ".")+1:]))
	c.add("enrolment token", []byte(r.token[strings.LastIndex(r.token, ".")+1:]))
	keys := 0
	err := filepath.WalkDir(filepath.Join(r.siteDir, "keys"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".key") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		block, _ := pem.Decode(text)
		if filepath.Base(path) == "sealing.key" {
			keys++
			c.add("sealing.key as PEM", bytes.Split(text, []byte("\n"))[1])
			c.add("sealing.key", block.Bytes)
			return nil
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return err
		}
		keys++
		c.add(filepath.Base(path)+" as PEM", bytes.Split(text, []byte("\n"))[1])
		switch k := key.(type) {
		case *ecdsa.PrivateKey:
			d, err := k.Bytes()
			c.add(filepath.Base(path), d)
			return err
		case ed25519.PrivateKey:
			c.add(filepath.Base(path), k.Seed())
			return nil
		}
		return fmt.Errorf("key %s is a %T", path, key)
	})
	if err != nil || keys != 4 {
		r.t.Fatalf("%d keys of the site, want CA, signing, sealing and root: %v", keys, err)
	}
	return c
}

// plant puts secrets into what only a job may read.
func (r *rig) plant() canaries {
	r.t.Helper()
	secret := strings.NewReplacer(`Bed: "1"`, `Bed: `+variableCanary, `Floor: "2"`, `Floor: `+collectionCanary).Replace(ward)
	if _, err := r.site.Apply(r.t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "ward.yaml", YAML: secret}}}); err != nil {
		r.t.Fatal(err)
	}
	c := r.ofSite()
	for name, value := range r.plantValues() {
		c.add(name, []byte(value))
	}
	c.add("variable of a computer", []byte(variableCanary))
	c.add("variable of a collection", []byte(collectionCanary))
	c.add("name of a computer", []byte("ward7-pc1"))
	c.add("name of a collection", []byte("Ward 7"))
	return c
}

// TestNothingServedToNobodyHoldsASecret asks for every name of TFTP and HTTP and
// every route of box and site without showing who asks.
func TestNothingServedToNobodyHoldsASecret(t *testing.T) {
	r, s := onSegment(t)
	if r == nil {
		return
	}
	secrets := r.plant()
	r.startBox()
	r.ready()
	s.IP(t, "client", "addr", "add", nstest.ClientAddr+"/24", "dev", nstest.Link)

	served := map[string][]byte{}
	offer := discover(t, s, mac1, "PXEClient:Arch:00007:UNDI:003016")
	if offer == nil {
		t.Fatal("no offer")
	}
	served["dhcp offer"] = offer.ToBytes()
	image, _, _ := strings.Cut(offer.BootFileName, "/")
	m := r.target(mac1, guid)
	adv := mandatory(t, m)
	r.askAsNobody(served, adv)
	if _, code, text := m.claim(adv); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	r.askAsNobody(served, adv) // and again, while a job is open

	var job api.Job
	_, document := m.call(api.RouteJob, nil, &job)
	if found := secrets.in([]byte(document)); len(found) < 3 {
		t.Errorf("the job's own document holds %q only: the test looks for nothing", found)
	}
	names := r.fileNames()
	for _, n := range names {
		served["http "+n] = get(t, http.DefaultClient, "http://"+nstest.BoxAddr+"/boot/"+image+"/"+n)
		served["http /"+n] = get(t, http.DefaultClient, "http://"+nstest.BoxAddr+"/"+n)
	}
	served["http next"] = get(t, http.DefaultClient, "http://"+nstest.BoxAddr+"/boot/next/boot.ipxe")
	served["http metrics"] = get(t, http.DefaultClient, "http://"+nstest.BoxAddr+"/metrics")
	got := 0
	for i, n := range append(names, "undionly.kpxe") {
		for _, name := range []string{image + "/" + n, n} {
			out := filepath.Join(t.TempDir(), fmt.Sprint(i))
			// It fails for most names, and shall.
			_ = s.Command(t, "client", "atftp", "--option", "blksize 1428", "-g", "-r", name, "-l", out, nstest.BoxAddr).Run()
			text, err := os.ReadFile(out)
			if err == nil && len(text) > 0 {
				got++
			}
			served["tftp "+name] = text
		}
	}
	if got < 4 || len(served["http uki.efi"]) < 700<<10 {
		t.Errorf("%d files by TFTP, %d bytes of uki.efi: the test fetches nothing", got, len(served["http uki.efi"]))
	}
	for name, body := range served {
		if found := secrets.in(body); len(found) > 0 {
			t.Errorf("%s holds %q", name, found)
		}
	}
	// What is content of a job only, nobody gets by any name.
	for _, c := range job.Content {
		for name, body := range served {
			if bytes.Contains(body, []byte(c.Manifest)) {
				t.Errorf("%s names the content of a job", name)
			}
		}
	}
	for _, n := range []string{"os.wim", "bin/a", "box.db", "keys/client.key"} {
		if len(served["tftp "+n]) > 0 || len(served["tftp "+image+"/"+n]) > 0 || bytes.Contains(served["http "+n], []byte("SQLite")) {
			t.Errorf("%s is served", n)
		}
	}
}

// fileNames are names to ask for: files of every version of content, the box's
// own files, digests, and ways out of a directory.
func (r *rig) fileNames() []string {
	r.t.Helper()
	names := []string{"vmlinuz", "initrd", "uki.efi", "boot.ipxe", "undionly.kpxe", "cmdline", "os.wim", "bin/a", "b/c", "variables.dat",
		"../box.db", "..%2f..%2fbox.db", "../../keys/client.key", `..\box.db`}
	err := filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(r.dir, path)
		names = append(names, name, filepath.Base(name))
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return names
}

// askAsNobody asks every route of box and site.
func (r *rig) askAsNobody(served map[string][]byte, adv string) {
	r.t.Helper()
	nobody := r.target(mac1, "")
	wrong := r.target(mac1, "5c4c4544-0042-3510-8052-b4c04f4d3232")
	for _, route := range []string{api.RouteHello, api.RouteDecline, api.RouteJob, api.RouteRenew, api.RouteStatus, api.RouteSecrets,
		strings.Replace(api.RouteManifest, "{digest}", "sha256:"+strings.Repeat("0", 64), 1), strings.Replace(api.RouteBlob, "{sha256}", strings.Repeat("0", 64), 1), api.RouteOffers} {
		_, text := nobody.call(route, nobody.id, nil)
		served["box "+route] = append(served["box "+route], text...)
	}
	_, text := r.target("52:54:00:99:99:99", "").call(api.RouteOffers, api.Identity{MACs: []string{"52:54:00:99:99:99"}}, nil)
	served["box offers, unknown"] = []byte(text)
	_, _, text = r.target("52:54:00:99:99:99", "").claim(adv)
	served["box claim, unknown"] = []byte(text)
	_, text = wrong.call(api.RouteOffers, api.Identity{MACs: []string{mac1, mac2}}, nil)
	served["box offers, contradiction"] = []byte(text)

	// The site is on the other side of the line.
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	base := "https://" + r.line.l.Addr().String()
	description := get(r.t, c, base+"/openapi.json")
	served["site description"] = description
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(description[max(bytes.IndexByte(description, '{'), 0):], &doc); err != nil || len(doc.Paths) < 15 {
		r.t.Fatalf("%d paths, %v", len(doc.Paths), err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			full := strings.NewReplacer("{kind}", "Computer", "{name}", "ward7-box", "{sha256}", strings.Repeat("0", 64), "{digest}", "sha256:"+strings.Repeat("0", 64)).Replace(path)
			q, err := http.NewRequestWithContext(r.t.Context(), strings.ToUpper(method), base+full, strings.NewReader("{}"))
			if err != nil {
				r.t.Fatal(err)
			}
			served["site "+method+" "+path] = body(r.t, c, q)
		}
	}
}

func get(t *testing.T, c *http.Client, url string) []byte {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return nil // no URL: nobody can ask for it
	}
	return body(t, c, q)
}

// body is everything of an answer, head and all.
func body(t *testing.T, c *http.Client, q *http.Request) []byte {
	t.Helper()
	resp, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if err := resp.Header.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBoxHoldsNoSecretOfTheSite: who carries a box away has neither the site's
// keys nor a token.
func TestBoxHoldsNoSecretOfTheSite(t *testing.T) {
	r := newRig(t)
	secrets := r.ofSite()
	r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	if _, code, text := m.claim(mandatory(t, m)); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	var job api.Job
	m.call(api.RouteJob, nil, &job)
	send(t, m, job, 1, status.SequenceCompleted, 2)
	if _, err := os.Stat(r.tokenFile); !os.IsNotExist(err) {
		t.Errorf("the enrolment token is still there: %v", err)
	}
	r.stopBox()
	own, files := canaries{}, 0
	own.add("the box's memory of the job", []byte(job.ID))
	seen := false
	err := filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if found := secrets.in(text); len(found) > 0 {
			t.Errorf("%s holds %q", path, found)
		}
		if strings.Contains(path, "/keys/") {
			if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
			}
		}
		seen = seen || len(own.in(text)) > 0
		return err
	})
	if err != nil || files < 10 || !seen {
		t.Errorf("%d files, job found %v, %v: the test looks at nothing", files, seen, err)
	}
}
