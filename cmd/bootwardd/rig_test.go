package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance"
	"github.com/bootward/bootward/appliance/network/nstest"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/trust"
	"github.com/bootward/bootward/trust/trusttest"
)

const ward = `kind: Box
name: ward7-box
---
kind: Computer
name: ward7-pc1
macs: [52:54:00:77:00:11]
variables: {Bed: "1", Ward: pc}
---
kind: Computer
name: ward7-pc2
macs: [52:54:00:77:00:12]
---
kind: Collection
name: Ward 7
members: [ward7-pc1, ward7-pc2]
variables: {Ward: "7", Floor: "2"}
---
kind: TaskSequence
name: Wipe
bootImage: linux-x64
steps:
  - partitionDisk:
      style: gpt
      volumes:
        - {name: OSDisk, type: primary, size: 100%, fileSystem: ext4, variable: OSDisk}
  - applyOperatingSystem: {image: debian-12, index: 1, to: "%OSDisk%"}
---
kind: Advertisement
name: Install
collection: Ward 7
sequence: Wipe
mandatory: [asSoonAsPossible]
confirmedMachines: 2
`

// rig is a site on a real socket and a box in front of it, with a line between
// them that can be cut.
type rig struct {
	t       *testing.T
	site    *site.Site
	line    *line
	dir     string // of the box
	ports   [3]int
	token   string
	clock   atomic.Int64 // offset of the box's clock, ns
	stopBox func()

	boxLog, siteLog buffer
	answers         buffer // every answer that a target got

	siteDir    string
	admin      string // token of the administrator
	tokenFile  string
	interfaces []appliance.Interface // none: lo without PXE
	keyboard   io.Reader             // of the console; nil: none
	unseal     func(policy.Sealed) ([]byte, error)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: filepath.Join(t.TempDir(), "box")}
	r.startSite()
	for i := range r.ports {
		r.ports[i] = freePort(t)
	}
	t.Cleanup(func() {
		if r.stopBox != nil {
			r.stopBox()
		}
	})
	return r
}

// onSegment runs the calling test, a top-level one, on a segment of its own, with a rig
// whose box answers PXE there on the usual ports. Both are nil in the outer run, which has
// nothing left to do.
func onSegment(t *testing.T) (*rig, *nstest.Segment) {
	t.Helper()
	s := nstest.Enter(t)
	if s == nil {
		return nil, nil
	}
	r := newRig(t)
	r.ports[0], r.ports[1] = 80, 443
	r.interfaces = []appliance.Interface{{Name: nstest.Link, Address: appliance.AddressKeep, PXE: appliance.PXEProxy}}
	return r, s
}

func (r *rig) startSite() {
	t := r.t
	dir := filepath.Join(t.TempDir(), "site")
	made, err := site.Init(t.Context(), dir, "CEN", "ann", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.siteDir, r.admin = dir, made.Token
	s, err := site.Open(t.Context(), dir, site.Options{Version: "test", Log: slog.New(slog.NewTextHandler(&r.siteLog, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	r.site = s
	store, err := content.OpenDirectory(filepath.Join(dir, "content"))
	if err != nil {
		t.Fatal(err)
	}
	r.importing(store, "BootImage", "linux-x64", map[string]int{"vmlinuz": 300 << 10, "initrd": 500 << 10, "uki.efi": 700 << 10, "undionly.kpxe": 70 << 10})
	r.importing(store, "Package", sequence.ImagingTools, map[string]int{"bin/a": 200 << 10, "b/c": 100})
	r.importing(store, "Image", "debian-12", nil)
	if _, err := s.Apply(t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "ward.yaml", YAML: ward}}}); err != nil {
		t.Fatal(err)
	}
	tok, err := s.EnrolToken(t.Context(), "ann", "ward7-box")
	if err != nil {
		t.Fatal(err)
	}
	r.token = tok.Token
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	r.line = newLine(t, l.Addr().String())
	t.Cleanup(func() { r.line.cut(); cancel(); <-done; s.Close() })
}

func (r *rig) importing(store *content.Directory, kind, name string, files map[string]int) {
	r.t.Helper()
	tree := r.t.TempDir()
	for p, size := range files {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(size), byte(len(p))}).Read(data)
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(tree, p)), 0o755), os.WriteFile(filepath.Join(tree, p), data, 0o644)); err != nil {
			r.t.Fatal(err)
		}
	}
	in := api.Import{Kind: kind, Name: name}
	if kind == "Image" {
		in.File = "os.wim"
		capture(r.t, filepath.Join(tree, in.File))
	}
	m, err := store.ImportTree(r.t.Context(), tree, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if in.Manifest, err = json.Marshal(m); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.site.Import(r.t.Context(), "ann", in); err != nil {
		r.t.Fatal(err)
	}
}

// capture makes a WIM of a file of 2 MiB.
func capture(t *testing.T, wim string) {
	t.Helper()
	tree := t.TempDir()
	data := make([]byte, 2<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	if err := os.WriteFile(filepath.Join(tree, "file"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "wimlib-imagex", "capture", tree, wim, "--compress=none", "--check").CombinedOutput()
	if err != nil {
		t.Fatalf("wimlib-imagex: %v\n%s", err, out)
	}
}

// startBox starts the box on its directory; stopBox ends it.
func (r *rig) startBox() (console *buffer) {
	t := r.t
	t.Helper()
	tokenFile := filepath.Join(t.TempDir(), "enrol.token")
	r.tokenFile = tokenFile
	if r.token != "" {
		if err := os.WriteFile(tokenFile, []byte(r.token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := appliance.Default()
	config.DataDirectory = r.dir
	config.Site = &url.URL{Scheme: "https", Host: r.line.l.Addr().String()}
	config.Interfaces = []appliance.Interface{{Name: "lo", Address: appliance.AddressKeep, PXE: appliance.PXEOff}}
	if r.interfaces != nil {
		config.Interfaces = r.interfaces
	}
	config.Ports = appliance.Ports{HTTP: uint16(r.ports[0]), HTTPS: uint16(r.ports[1]), Metrics: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(r.ports[2]))}
	console = &buffer{}
	log := slog.New(slog.NewTextHandler(&r.boxLog, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(io.MultiWriter(os.Stderr, &r.boxLog), nil))
	}
	ctx, cancel := context.WithCancel(context.Background())
	box, err := appliance.New(ctx, appliance.Options{Config: config, Version: "test", Log: log, Console: console, TokenFile: tokenFile, In: r.keyboard, Unseal: r.unseal,
		Clock: func() time.Time { return time.Now().Add(time.Duration(r.clock.Load())) }, ConsumeSeed: func(string) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	r.stopBox = func() {
		cancel()
		if err := errors.Join(<-done, box.Close()); err != nil {
			t.Errorf("box: %v", err)
		}
		r.stopBox = nil
	}
	return console
}

// ready waits until the box says that it is.
func (r *rig) ready() {
	r.t.Helper()
	r.eventually("ready", func() error {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", r.ports[2]))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			return errors.New(string(text))
		}
		return nil
	})
}

// eventually tries until there is no error, with a deadline.
func (r *rig) eventually(what string, do func() error) {
	r.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("%s: %v", what, err)
		}
	}
}

// target is a machine with a key of its own.
type target struct {
	r    *rig
	id   api.Identity
	key  *ecdsa.PrivateKey
	cert *tls.Certificate
	http *http.Client
}

func (r *rig) target(mac, guid string) *target {
	key, _ := trusttest.Key(r.t)
	m := &target{r: r, id: api.Identity{MACs: []string{mac}, SMBIOSGUID: guid}, key: key}
	m.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: trust.ClientTLS(r.site.Anchor(), trust.IsPoint("CEN"), func() *tls.Certificate { return m.cert }, time.Now)}}
	return m
}

func (m *target) url() string { return fmt.Sprintf("https://127.0.0.1:%d", m.r.ports[1]) }

func (m *target) call(route string, in, out any) (int, string) {
	m.r.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	body, err := json.Marshal(in)
	if err != nil {
		m.r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(m.r.t.Context(), method, m.url()+path, bytes.NewReader(body))
	if err != nil {
		m.r.t.Fatal(err)
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	m.r.answers.Write(text)
	if resp.StatusCode == http.StatusOK && out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			m.r.t.Fatal(err)
		}
	}
	return resp.StatusCode, string(text)
}

func (m *target) claim(advertisement string) (api.Claimed, int, string) {
	m.r.t.Helper()
	return m.try(api.Claim{Advertisement: advertisement})
}

// try claims as this machine. With the job comes its certificate.
func (m *target) try(c api.Claim) (api.Claimed, int, string) {
	m.r.t.Helper()
	csr, err := trust.NewCSR(m.key)
	if err != nil {
		m.r.t.Fatal(err)
	}
	c.Identity, c.CSR = m.id, csr
	var got api.Claimed
	code, text := m.call(api.RouteClaim, c, &got)
	if code == http.StatusOK {
		m.cert = trusttest.Pair(m.r.t, []byte(got.Certificate), m.key)
	}
	return got, code, text
}

// line is a TCP proxy that can be cut, and that breaks one connection after a
// number of bytes.
type line struct {
	l       net.Listener
	to      string
	mu      sync.Mutex
	down    bool
	conns   map[net.Conn]bool
	breakAt atomic.Int64 // bytes left until a break; 0: none
	breaks  atomic.Int64
}

func newLine(t *testing.T, to string) *line {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &line{l: l, to: to, conns: map[net.Conn]bool{}}
	go p.serve()
	t.Cleanup(func() { l.Close() })
	return p
}

func (p *line) serve() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		go p.carry(c)
	}
}

func (p *line) carry(c net.Conn) {
	defer c.Close()
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.conns[c] = true
	p.mu.Unlock()
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	go func() { io.Copy(up, c); up.Close() }()
	buf := make([]byte, 16<<10)
	for {
		n, err := up.Read(buf)
		if left := p.breakAt.Load(); left > 0 {
			if p.breakAt.Add(int64(-n)) <= 0 {
				p.breakAt.Store(0)
				p.breaks.Add(1)
				return
			}
		}
		if _, werr := c.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (p *line) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *line) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
