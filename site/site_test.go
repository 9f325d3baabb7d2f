package site

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

// clockTime is the time of a test; it moves only when told.
type clockTime struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clockTime) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clockTime) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a site that answers on a real socket.
type rig struct {
	*Site
	t     *testing.T
	dir   string
	token string
	url   string
	clock *clockTime
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: filepath.Join(t.TempDir(), "site"), clock: &clockTime{t: time.Now().UTC().Truncate(time.Second)}}
	made, err := Init(t.Context(), r.dir, "CEN", "ann", r.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	r.token = made.Token
	r.start()
	return r
}

// start opens the site of the directory and serves it until the test ends.
func (r *rig) start() {
	r.t.Helper()
	s, err := Open(r.t.Context(), r.dir, Options{Version: "test", Now: r.clock.now})
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.Site, r.url = s, "https://"+l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("serve: %v", err)
		}
		if err := s.Close(); err != nil {
			r.t.Error(err)
		}
	})
}

// peer is somebody who calls the site.
type peer struct {
	rig   *rig
	token string
	http  *http.Client
	// Of a box:
	id, name, state string
}

func (r *rig) peer(token string, cert *tls.Certificate) *peer {
	var own func() *tls.Certificate
	if cert != nil {
		own = func() *tls.Certificate { return cert }
	}
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: trust.ClientTLS(r.anchor, trust.IsSite("CEN"), own, r.clock.now)}}
	r.t.Cleanup(c.CloseIdleConnections)
	return &peer{rig: r, token: token, http: c}
}

func (r *rig) person() *peer { return r.peer(r.token, nil) }

// call sends a request and returns status and body.
func (p *peer) call(method, path string, body any, head ...string) (int, []byte) {
	p.rig.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		in = bytes.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			p.rig.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(p.rig.t.Context(), method, p.rig.url+path, in)
	if err != nil {
		p.rig.t.Fatal(err)
	}
	if p.token != "" {
		q.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i+1 < len(head); i += 2 {
		q.Header.Set(head[i], head[i+1])
	}
	resp, err := p.http.Do(q)
	if err != nil {
		p.rig.t.Fatal(err)
	}
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		p.rig.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, out
}

// must calls, wants 200 and reads the answer.
func must[T any](t *testing.T, p *peer, method, path string, body any) T {
	t.Helper()
	var out T
	code, raw := p.call(method, path, body)
	if code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, code, raw)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, raw)
	}
	return out
}

// problemOf reads a problem document, or fails.
func problemOf(t *testing.T, raw []byte) api.Error {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal(raw, &e); err != nil || e.Code == "" {
		t.Fatalf("no problem document: %s", raw)
	}
	return e
}

func key(t *testing.T) (*ecdsa.PrivateKey, []byte) { return trusttest.Key(t) }

// enrol makes a fake box with a token.
func (r *rig) enrol(token, state string) (*peer, api.Enrolled) {
	r.t.Helper()
	k, client := key(r.t)
	_, intermediate := key(r.t)
	e := must[api.Enrolled](r.t, r.peer("", nil), "POST", "/v1/box/enrol",
		api.Enrol{Token: token, ClientCSR: client, IntermediateCSR: intermediate, StateID: state, Version: "test"})
	p := r.peer("", trusttest.Pair(r.t, []byte(e.Certificate), k))
	p.id, p.name, p.state = e.Box, e.BoxName, state
	return p, e
}

// apply applies one YAML file and wants it to be taken.
func (r *rig) apply(yaml string) api.Applied {
	r.t.Helper()
	return must[api.Applied](r.t, r.person(), "POST", "/v1/apply", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "ward.yaml", YAML: yaml}}})
}

// refuse applies and wants a problem.
func (r *rig) refuse(yaml string) api.Error {
	r.t.Helper()
	code, raw := r.person().call("POST", "/v1/apply", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "ward.yaml", YAML: yaml}}})
	if code < 400 {
		r.t.Fatalf("taken: %s", raw)
	}
	return problemOf(r.t, raw)
}

// upload sends the files and returns their manifest.
func (r *rig) upload(files map[string][]byte) *content.Manifest {
	r.t.Helper()
	m := &content.Manifest{Format: content.Format}
	for _, name := range []string{"a", "vmlinuz", "initrd", "uki.efi", "os.wim"} {
		b, ok := files[name]
		if !ok {
			continue
		}
		sum := sha256.Sum256(b)
		sha := hex.EncodeToString(sum[:])
		if code, raw := r.person().call("PUT", "/v1/blobs/"+sha, b); code != http.StatusNoContent {
			r.t.Fatalf("upload %s: %d %s", name, code, raw)
		}
		f := content.File{Path: name, Mode: 0o644, Size: int64(len(b)), SHA256: sha}
		for at := 0; at < len(b); at += content.MaxChunk {
			piece := b[at:min(at+content.MaxChunk, len(b))]
			s := sha256.Sum256(piece)
			f.Chunks = append(f.Chunks, content.Chunk{Offset: int64(at), Length: int64(len(piece)), SHA256: hex.EncodeToString(s[:])})
		}
		m.Files = append(m.Files, f)
	}
	return m
}

func (r *rig) importing(kind osd.Kind, name string, m *content.Manifest) (int, []byte) {
	r.t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.person().call("POST", "/v1/import", api.Import{Kind: string(kind), Name: name, Manifest: raw})
}

// contents imports a boot image, the imaging tools and puts an image in place
// whose content is any file: what the tests of policy need.
func (r *rig) contents() {
	r.t.Helper()
	boot := r.upload(map[string][]byte{"vmlinuz": []byte("kernel"), "initrd": []byte("initrd"), "uki.efi": []byte("uki")})
	tools := r.upload(map[string][]byte{"a": []byte("wimlib")})
	for _, one := range []struct {
		kind osd.Kind
		name string
		m    *content.Manifest
	}{{osd.KindBootImage, "linux-x64", boot}, {osd.KindPackage, sequence.ImagingTools, tools}} {
		if code, raw := r.importing(one.kind, one.name, one.m); code != http.StatusOK {
			r.t.Fatalf("import %s: %d %s", one.name, code, raw)
		}
	}
	big := r.upload(map[string][]byte{"os.wim": bytes.Repeat([]byte("0123456789abcdef"), 100_000)})
	if code, raw := r.importing(osd.KindPackage, "carrier", big); code != http.StatusOK {
		r.t.Fatalf("import: %d %s", code, raw)
	}
	p := must[osd.Package](r.t, r.person(), "GET", "/v1/objects/Package/carrier", nil)
	r.apply(fmt.Sprintf("kind: Image\nname: debian-12\nfile: os.wim\nmanifest: %s\nbytes: %d\n", p.Manifest, p.Bytes))
}

// ward is a site of two machines; the verb says how the sequence begins.
const ward = `kind: Box
name: ward7-box
---
kind: Computer
name: ward7-pc1
macs: [52:54:00:77:00:11]
---
kind: Computer
name: ward7-pc2
macs: [52:54:00:77:00:12]
box: ward7-box
---
kind: Collection
name: Ward 7
members: [ward7-pc1, ward7-pc2]
---
kind: TaskSequence
name: Debian
bootImage: linux-x64
steps:
  - partitionDisk:
      style: gpt
      volumes:
        - {name: ESP, type: efi, size: 256MiB, fileSystem: fat32}
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}
  - applyOperatingSystem: {image: debian-12, index: 1, to: "%OSDisk%"}
---
kind: Advertisement
name: Install
collection: Ward 7
sequence: Debian
mandatory: [asSoonAsPossible]
confirmedMachines: 2
`

func find(a api.Applied, kind osd.Kind, name string) api.Change {
	for _, c := range a.Changes {
		if c.Kind == string(kind) && c.Name == name {
			return c
		}
	}
	return api.Change{}
}

func notes(c api.Change) string { return strings.Join(c.Notes, "\n") }
