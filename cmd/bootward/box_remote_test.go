package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/technician"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/trust"
)

const boxPIN = "271828"

// atBox is a box of the rig's site, with one machine that waits and stopped by
// the interlock. Its site need not answer.
func (r *rig) atBox(listed map[string][]string) (address string, memory *store.Store) {
	t := r.t
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.Open(t.Context(), r.dir, site.Options{})
	check(err)
	defer s.Close()
	_, err = s.Apply(t.Context(), "ann", api.Apply{Documents: []api.Document{{File: "b", YAML: "kind: Box\nname: ward7-box\n"}}})
	check(err)
	token, err := s.EnrolToken(t.Context(), "ann", "ward7-box")
	check(err)
	key, err := trust.NewKey()
	check(err)
	csr, err := trust.NewCSR(key)
	check(err)
	e, err := s.Enrol(t.Context(), api.Enrol{Token: token.Token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s"})
	check(err)
	authority, err := trust.ParseAuthority([]byte(e.Intermediate), key)
	check(err)
	now, quiet := time.Now(), slog.New(slog.DiscardHandler)
	memory, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "box.db"), quiet, now)
	check(err)
	t.Cleanup(func() { memory.Close() })
	snapshot := &policy.Snapshot{Format: 1, Site: "CEN", Box: osd.Box{Meta: osd.Meta{ID: e.Box, Name: "ward7-box"}},
		Computers:    []osd.Computer{{Meta: osd.Meta{ID: "C1", Name: "ward7-pc1"}, MACs: []string{"52:54:00:77:00:11"}}},
		People:       []osd.Person{{Meta: osd.Meta{ID: "P1", Name: "bob"}, Technician: &osd.Technician{Boxes: []string{osd.AnyBox}}}},
		Certificates: listed,
		Sealed:       []policy.Sealed{{Kind: policy.SealedPIN, Object: "P1", Revision: 1, Ciphertext: []byte(trust.NewVerifier(boxPIN))}}}
	p := &managementpoint.Point{Store: memory, Policy: func() *policy.Snapshot { return snapshot }, Now: time.Now, Log: quiet,
		Self: func() *managementpoint.Self {
			return &managementpoint.Self{Box: e.Box, BoxName: e.BoxName, Site: e.Site, Anchor: s.Anchor(), Authority: authority}
		}}
	d := &technician.Desk{Store: memory, Evaluator: p.Evaluator, Approvals: p, Now: time.Now, Log: quiet,
		Unseal: func(s policy.Sealed) ([]byte, error) { return s.Ciphertext, nil },
		Explain: func(_ context.Context, mac, firmware string) (api.BootExplanation, error) {
			x := api.BootExplanation{Client: mac, Interface: "eth0", Mode: "proxy", Answers: []api.BootAnswer{{Firmware: "uefi-x64-pxe", Action: "boot", Send: true, File: "x/uki.efi", NextServer: "192.0.2.17"}}}
			if firmware == "" {
				x.Answers = append(x.Answers, api.BootAnswer{Firmware: "bios-ipxe", Action: "boot", Send: true, File: "http://192.0.2.17/boot/x/boot.ipxe"})
			}
			return x, nil
		},
		State: func(context.Context) api.BoxConsole {
			return api.BoxConsole{Box: "ward7-box", NotReady: "no policy", SelfTest: &tested}
		},
		Self: func() *technician.Self { return &technician.Self{Site: e.Site, Anchor: s.Anchor()} }}
	wait := api.PendingApproval{ID: "A1", Code: "482-913", Computer: "bw-1", Sequence: "Wipe", Identity: api.Identity{MACs: []string{"52:54:00:77:00:99"}}, AskedAt: now, ExpiresAt: now.Add(time.Hour)}
	state := d.State
	d.State = func(ctx context.Context) api.BoxConsole { c := state(ctx); c.SelfTest = &tested; return c }
	d.Test = func(_ context.Context, iface string) (api.SelfTest, error) {
		if iface != "" && iface != "eth0" {
			return api.SelfTest{}, selftest.ErrNoInterface
		}
		return tested, nil
	}
	check(memory.AskApproval(t.Context(), store.Approval{PendingApproval: wait, Key: "k", Nonce: []byte("n")}, status.FlightEvent{Time: now, Client: "52:54:00:77:00:99", What: "claim", Text: "it waits"}))
	check(memory.Stop(t.Context(), "too many", status.FlightEvent{Time: now}, now))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.ServeAll(ctx, l, httpapi.Mux(d.Routes())) }()
	t.Cleanup(func() {
		cancel()
		check(<-done)
	})
	return l.Addr().String(), memory
}

// tested is what a box found out about its segment.
var tested = api.SelfTest{Time: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), Segments: []api.Segment{{Interface: "eth0", Time: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), Address: "192.0.2.17", MTU: 1500,
	Switch:   &api.SwitchPort{Switch: "sw-7", Port: "Gi1/0/12", VLAN: 77},
	Servers:  []api.SegmentServer{{Address: "192.0.2.9", PXE: true}},
	Findings: []api.Finding{{Severity: api.FindingProblem, Text: "another PXE server answers\x1b[2J", Ask: "to switch it off"}}}}}

// TestSelfTestAtTheSite: behind the document of a box stands what it found out.
func TestSelfTestAtTheSite(t *testing.T) {
	r := newRig(t)
	r.atBox(nil)
	s, err := site.Open(t.Context(), r.dir, site.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	boxes, err := s.Boxes(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	check := func(c api.CheckIn, want ...string) {
		t.Helper()
		c.StateID, c.Time = "s", time.Now()
		if _, err := s.CheckIn(t.Context(), boxes[0].ID, c); err != nil {
			t.Fatal(err)
		}
		out, _ := r.want(exitDone, "box", "show", "ward7-box")
		for _, w := range want {
			if !strings.Contains(out, w) || strings.Contains(out, "\x1b") {
				t.Errorf("%q is not in %s", w, out)
			}
		}
	}
	check(api.CheckIn{}, "# the segments have not been tested yet")
	check(api.CheckIn{SelfTest: &tested}, "# eth0: address 192.0.2.17, MTU 1500, tested 2026-01-01 08:00:00", "#   switch   sw-7 port Gi1/0/12, VLAN 77",
		"#   server   PXE server 192.0.2.9", "#   problem  another PXE server answers", "#     ask the network team: to switch it off")
}

// TestAdvertisementsAreMarked: what does not start on a machine as it turned out to be
// stands beside the advertisement.
func TestAdvertisementsAreMarked(t *testing.T) {
	r := newRig(t)
	r.atBox(nil)
	s, err := site.Open(t.Context(), r.dir, site.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Apply(t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "a", YAML: `kind: Computer
name: pc1
macs: [52:54:00:77:00:11]
---
kind: Collection
name: Ward
members: [pc1]
---
kind: BootImage
name: linux-x64
---
kind: TaskSequence
name: Look
bootImage: linux-x64
steps:
  - runCommandLine: {command: id}
---
kind: Advertisement
name: Choice
collection: Ward
sequence: Look
`}}}); err != nil {
		t.Fatal(err)
	}
	boxes, err := s.Boxes(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(want bool) {
		t.Helper()
		for args, line := range map[string]string{"list": "WARNING: Advertisement \"Choice\" offers nothing", "show Choice": "# WARNING: Advertisement \"Choice\" offers nothing", "--json list": "\"warnings\":"} {
			words := append([]string{"advertisement"}, strings.Fields(args)...)
			if out, _ := r.want(exitDone, words...); strings.Contains(out, line) != want {
				t.Errorf("%s: %s", args, out)
			}
		}
	}
	shown(false)
	raw, err := s.Get(t.Context(), "ann", osd.KindComputer, "pc1")
	var c osd.Computer
	if err = errors.Join(err, json.Unmarshal(raw, &c)); err != nil {
		t.Fatal(err)
	}
	d := &api.Discovered{Computer: c.ID, Inventory: inventory.Record{Machine: inventory.Machine{Architecture: osd.ArchARM64}, Time: time.Now()}}
	if _, err := s.TakeEvents(t.Context(), boxes[0].ID, api.EventBatch{StateID: "s", Events: []api.BoxEvent{{Number: 1, Discovered: d}}}); err != nil {
		t.Fatal(err)
	}
	shown(true)
}

// TestBoxVerbs: what a technician does at a box, the site being away.
func TestBoxVerbs(t *testing.T) {
	r := newRig(t)
	address, memory := r.atBox(nil)
	pinFile := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(pinFile, []byte(boxPIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	context, err := os.ReadFile(r.env)
	if err != nil {
		t.Fatal(err)
	}
	// No site answers at this address.
	cut := &rig{t: t, env: filepath.Join(t.TempDir(), "context.yaml")}
	line := string(context[bytes.Index(context, []byte("url: ")):])
	url, _, _ := strings.Cut(line, "\n")
	if err := os.WriteFile(cut.env, bytes.Replace(context, []byte(url), []byte("url: https://127.0.0.1:1"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args string
		want string
	}{
		{exitDone, "box show", "ward7-box, site"}, {exitDone, "computer pending", "482-913"}, {exitFailed, "computer approve 000-000", "no machine waits under this code"},
		{exitDone, "computer approve 482913", "approve: 482-913, bw-1, Wipe"}, {exitFailed, "computer deny 482-913", "before"}, {exitDone, "box resume", "the box goes on"},
		{exitFailed, "box resume", "has not stopped"}, {exitDone, "computer clear-pxe ward7-pc1", "cleared: ward7-pc1"}, {exitFailed, "computer clear-pxe pc9", "pc9"},
		{exitFailed, "computer retry ward7-pc1", "no job of it failed"}, {exitUsage, "computer retry", "COMPUTER is missing"}, {exitUsage, "computer retry ward7-pc1 --at-box x", "--at-box is for the site"},
		{exitDone, "site audit", "sign-in"}, {exitDone, "status timeline 525400770099", "it waits"}, {exitFailed, "status timeline 525400770098", "remembers nothing"},
		{exitDone, "box trace 525400770099", "it waits"}, {exitDone, "box trace 525400770098", "nothing was recorded"}, {exitFailed, "box trace pc9", "give the MAC"},
		{exitDone, "box explain 525400770011", "boot.ipxe"}, {exitDone, "box explain 525400770011 --firmware uefi-x64-pxe", "next server 192.0.2.17"},
		{exitUsage, "computer clear-pxe", "COMPUTER is missing"}, {exitUsage, "box show ward7-box", "takes no argument"},
		{exitUsage, "computer clear-pxe ward7-pc1 --collection x", "--collection is for the site"}, {exitUsage, "site audit --after 3", "--after is for the site"},
		{exitUsage, "apply -f x", "does not go to a box"}, {exitUsage, "computer show ward7-pc1", "does not go to a box"}, {exitUsage, "computer show", "does not go to a box"},
		{exitUsage, "advertisement explain pc1 --box x", "does not go to a box"}, {exitUsage, "version", "does not go to a box"},
		{exitDone, "box selftest", "problem  another PXE server answers"}, {exitDone, "box selftest --interface eth0", "ask the network team: to switch it off"},
		{exitDone, "box show", "segment   problem: another PXE server answers"}, {exitFailed, "box selftest --interface eth9", "does not answer PXE there"}, {exitUsage, "box selftest eth0", "takes no argument"},
	} {
		args := append([]string{"--box", address, "--as", "bob", "--pin-file", pinFile}, strings.Fields(c.args)...)
		out, errs := cut.want(c.code, args...)
		if !strings.Contains(out+errs, c.want) {
			t.Errorf("%s: %q is not in %s%s", c.args, c.want, out, errs)
		}
	}
	if out, _ := cut.want(exitDone, "--json", "box", "show", "--box", address, "--as", "bob", "--pin-file", pinFile); !json.Valid([]byte(out)) {
		t.Errorf("no JSON: %s", out)
	}
	log, err := memory.AuditLog(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"approve", "resume", "clear-pxe", "sign-in"} {
		found := false
		for _, a := range log {
			found = found || a.What == what && a.Who == "bob"
		}
		if !found {
			t.Errorf("%s is not in the audit log", what)
		}
	}
}

// TestBoxSignIn: what a person is told who does not get in.
func TestBoxSignIn(t *testing.T) {
	r := newRig(t)
	address, _ := r.atBox(nil)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitUsage, []string{"--box", address, "box", "show"}, "--as NAME"},
		{exitUsage, []string{"--box", address, "--as", "bob", "box", "show"}, "give --pin-file FILE"},
		{exitUsage, []string{"--box", address, "--as", "bob", "--pin-file", file("empty", "\n"), "box", "show"}, "its first line is to hold the PIN"},
		{exitFailed, []string{"--box", address, "--as", "bob", "--pin-file", filepath.Join(dir, "none"), "box", "show"}, "no such file"},
		{exitFailed, []string{"--box", address, "--as", "bob", "--pin-file", file("wrong", "000000"), "box", "show"}, "the name or the PIN is wrong"},
		{exitUsage, []string{"--box", "a/b", "--as", "bob", "--pin-file", file("pin", boxPIN), "box", "show"}, "give its address"},
		{exitFailed, []string{"--box", "127.0.0.1:1", "--as", "bob", "--pin-file", file("pin", boxPIN), "box", "show"}, "see whether the box answers at 127.0.0.1:1"},
		{exitUsage, []string{"--as", "bob", "box", "list"}, "go with --box"},
	} {
		if _, errs := r.want(c.code, c.args...); !strings.Contains(errs, c.want) || strings.Contains(errs, boxPIN) {
			t.Errorf("%v: %q is not in %s", c.args, c.want, errs)
		}
	}
	var o, e bytes.Buffer
	if got := run(t.Context(), newApp(strings.NewReader(boxPIN+"\n"), &o, &e, r.getenv), []string{"--box", address, "--as", "bob", "--pin-file", "-", "box", "show"}); got != exitDone {
		t.Errorf("a PIN from standard input: %d %s", got, e.String())
	}
}

// TestBoxCertificate: the certificate of the context lets in without a PIN, and
// another site's box is not believed.
func TestBoxCertificate(t *testing.T) {
	r := newRig(t)
	ca := r.authority()
	key, err := trust.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := trust.NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	chain, _, err := ca.Person(csr, "bob", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := trust.MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(chain)
	sum := sha256.Sum256(block.Bytes)
	address, _ := r.atBox(map[string][]string{"bob": {hex.EncodeToString(sum[:])}})
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.env), "bob.pem"), append(chain, keyPEM...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(r.env, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("certificate: bob.pem\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, _ := r.want(exitDone, "box", "resume", "--box", address); !strings.Contains(out, "goes on") {
		t.Errorf("%s", out)
	}
	pinFile := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(pinFile, []byte(boxPIN), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := newRig(t).want(exitFailed, "--box", address, "--as", "bob", "--pin-file", pinFile, "box", "show"); !strings.Contains(errs, "certificate") {
		t.Errorf("a box of another site: %s", errs)
	}
}

// authority is the CA of the rig's site.
func (r *rig) authority() *trust.Authority {
	r.t.Helper()
	read := func(name string) []byte {
		raw, err := os.ReadFile(filepath.Join(r.dir, "keys", name))
		if err != nil {
			r.t.Fatal(err)
		}
		return raw
	}
	key, err := trust.ParseKey(read("ca.key"))
	if err != nil {
		r.t.Fatal(err)
	}
	ca, err := trust.ParseAuthority(read("ca.crt"), key)
	if err != nil {
		r.t.Fatal(err)
	}
	return ca
}
