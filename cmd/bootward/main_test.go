package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site"
	"github.com/bootward/bootward/trust"
)

// rig is a site that `site init` and `site serve` made, and a command line.
type rig struct {
	t        *testing.T
	dir, env string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	base := t.TempDir()
	r := &rig{t: t, dir: filepath.Join(base, "site"), env: filepath.Join(base, "home", "context.yaml")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r.want(exitDone, "site", "init", "--code", "CEN", "--dir", r.dir, "--administrator", "ann", "--url", "https://"+address)
	ctx, cancel := context.WithCancel(context.Background())
	started, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- runSiteServe(ctx, newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, r.getenv), siteServeOptions{r.dir, address}, func(net.Addr) { close(started) })
	}()
	select {
	case <-started:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) getenv(name string) string {
	if name == "BOOTWARD_CONTEXT" {
		return r.env
	}
	return ""
}

// want runs a command line, wants an exit code and returns both outputs.
func (r *rig) want(code int, args ...string) (out, errs string) {
	r.t.Helper()
	var o, e bytes.Buffer
	if got := run(r.t.Context(), newApp(strings.NewReader(""), &o, &e, r.getenv), args); got != code {
		r.t.Fatalf("bootward %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, o.String(), e.String())
	}
	return o.String(), e.String()
}

// imports brings in what the example refers to.
func (r *rig) imports() {
	r.t.Helper()
	dir := r.t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, f := range []string{"boot/vmlinuz", "boot/initrd", "boot/uki.efi", "boot/undionly.kpxe", "tools/bin/wimlib-imagex", "tree/etc/hostname"} {
		write(f, f)
	}
	image := filepath.Join(dir, "debian-12.wim")
	if out, err := exec.Command("wimlib-imagex", "capture", filepath.Join(dir, "tree"), image, "Debian 12", "--check").CombinedOutput(); err != nil {
		r.t.Fatalf("wimlib-imagex: %v: %s", err, out)
	}
	if out, errs := r.want(exitDone, "image", "import", image); !strings.Contains(out, `Image "debian-12" is CEN00002`) || !strings.Contains(errs, "debian-12: ") || !strings.Contains(errs, " sent in ") {
		r.t.Errorf("image import: %s%s", out, errs)
	}
	r.want(exitDone, "bootimage", "import", filepath.Join(dir, "boot"), "--name", "linux-x64", "-q")
	r.want(exitDone, "package", "import", filepath.Join(dir, "tools"), "--name", "Bootward imaging tools", "-q")
	cut := filepath.Join(dir, "cut.wim")
	b, err := os.ReadFile(image)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(cut, b[:len(b)/2], 0o644); err != nil {
		r.t.Fatal(err)
	}
	if _, errs := r.want(exitRefused, "image", "import", cut); !strings.Contains(errs, "cut.wim") || !strings.Contains(errs, "remedy") {
		r.t.Errorf("a cut WIM: %s", errs)
	}
}

const example = "../../examples/ward"

// TestWard does what the guide of the example says, with the command line.
func TestWard(t *testing.T) {
	r := newRig(t)
	if _, errs := r.want(exitFailed, "apply", "-f", example); !strings.Contains(errs, `no BootImage "linux-x64"`) || !strings.Contains(errs, "sequence.yaml:") {
		t.Errorf("apply before the imports: %s", errs)
	}
	r.imports()
	if _, errs := r.want(exitRefused, "apply", "-f", example); !strings.Contains(errs, `box ward7-box lacks`) || !strings.Contains(errs, "--accept-missing") {
		t.Errorf("apply before there is a box: %s", errs)
	}
	out, errs := r.want(exitRefused, "apply", "-f", example, "--dry-run")
	if !strings.Contains(out, `create     Collection "Ward 7"`) || !strings.Contains(out, "6 to create") || !strings.Contains(out, "nothing was changed") || !strings.Contains(errs, "box ward7-box lacks") {
		t.Errorf("dry run that is refused: %s%s", out, errs)
	}
	if out, errs := r.want(exitRefused, "--json", "apply", "-f", example, "--dry-run"); !strings.Contains(out, `"dryRun": true`) || !strings.Contains(errs, `"code":"refused"`) || strings.Contains(errs, `"changes"`) {
		t.Errorf("dry run that is refused, as JSON: %s%s", out, errs)
	}
	if out, _ := r.want(exitDone, "apply", "-f", example, "--accept-missing", "--dry-run"); !strings.Contains(out, "6 to create") || !strings.Contains(out, "nothing was changed") {
		t.Errorf("dry run: %s", out)
	}
	if out, _ := r.want(exitDone, "apply", "-f", example, "--accept-missing"); !strings.Contains(out, "2 machines may be erased once: ward7-pc1, ward7-pc2") {
		t.Errorf("apply: %s", out)
	}
	if out, _ := r.want(exitDone, "apply", "-f", example, "--accept-missing"); !strings.Contains(out, "0 to create, 0 to update, 6 unchanged") {
		t.Errorf("apply again: %s", out)
	}
	for _, c := range []struct{ args, want string }{
		{"computer list", "52:54:00:77:00:11"}, {"box list", "ward7-box"}, {"image list", "debian-12"}, {"bootimage list", "linux-x64"},
		{"package list", "Bootward imaging tools"}, {"advertisement list", "Ward PC, Debian 12"}, {"deployment list", "Ward PC"},
		{"sequence list", "Ward PC"}, {"collection list", "2 direct members"}, {"computer show ward7-pc1", "kind: Computer"},
		{"site audit", "grant"}, {"status jobs", "COMPUTER"}, {"status messages", "COMPUTER"}, {"version", "bootward"}, {"box token ward7-box", "bw1."},
	} {
		if out, _ := r.want(exitDone, strings.Fields(c.args)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: %q is not in:\n%s", c.args, c.want, out)
		}
	}
	if out, _ := r.want(exitDone, "collection", "show", "All Systems"); !strings.Contains(out, "# 2 machines") {
		t.Errorf("collection show: %s", out)
	}
	shownAgain(t, r)
	r.want(exitRefused, "advertisement", "grant", "Ward 7 gets Debian 12", "--machines", "7")
	r.want(exitUsage, "advertisement", "grant", "Ward 7 gets Debian 12")
	r.want(exitDone, "advertisement", "grant", "Ward 7 gets Debian 12", "--machines", "1", "--computer", "ward7-pc1")
	r.want(exitFailed, "computer", "delete", "ward7-pc1")
	r.want(exitFailed, "computer", "show", "nobody")
	r.want(exitFailed, "status", "report", "ward7-pc1")
	_, errs = r.want(exitFailed, "--json", "computer", "show", "nobody")
	var e api.Error
	if err := json.Unmarshal([]byte(errs), &e); err != nil || e.Code != api.CodeNotFound {
		t.Errorf("an error as JSON: %s", errs)
	}
	file := filepath.Join(t.TempDir(), "b.tar.zst")
	r.want(exitDone, "site", "backup", file, "--dir", r.dir, "--content")
	if out, _ := r.want(exitDone, "site", "restore", file, "--dir", filepath.Join(t.TempDir(), "r")); !strings.Contains(out, "epoch is now 2") {
		t.Errorf("restore: %s", out)
	}
}

// shownAgain: what show prints is what apply takes.
func shownAgain(t *testing.T, r *rig) {
	t.Helper()
	for kind, name := range map[string]string{"computer": "ward7-pc1", "sequence": "Ward PC, Debian 12", "image": "debian-12", "advertisement": "Ward 7 gets Debian 12", "box": "ward7-box", "collection": "Ward 7"} {
		out, _ := r.want(exitDone, kind, "show", name)
		file := filepath.Join(t.TempDir(), "shown.yaml")
		if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
		if again, _ := r.want(exitDone, "apply", "-f", file); !strings.Contains(again, "1 unchanged") {
			t.Errorf("%s as it is shown:\n%s\nis applied as:\n%s", kind, out, again)
		}
	}
}

func TestUsage(t *testing.T) {
	r := &rig{t: t, env: filepath.Join(t.TempDir(), "none.yaml")}
	for _, args := range []string{"nonsense", "computer nonsense", "computer show", "apply", "apply --nonsense", "site init --code cen", "site init --code CEN --administrator j.doe", "version more", "status log pc1 --csv", "status timeline pc1 --csv", "status timeline pc1 --watch",
		"box resume", "content status a b", "person certificate ben -o x --days 401"} {
		if _, errs := r.want(exitUsage, strings.Fields(args)...); !strings.HasPrefix(errs, "bootward: ") {
			t.Errorf("%s: %s", args, errs)
		}
	}
	if _, errs := r.want(exitFailed, "computer", "list"); !strings.Contains(errs, "none.yaml") || !strings.Contains(errs, "site init") {
		t.Errorf("without a context: %s", errs)
	}
	r.want(exitDone)
	r.want(exitDone, "completion", "bash")
}

// TestHelp: every verb has an example and a short text, and stands in that of its
// group.
func TestHelp(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Short == "" || !sub.HasSubCommands() && !strings.Contains(sub.Example, "bootward ") {
				t.Errorf("%s has no short text or no example", sub.CommandPath())
			}
			if _, verbs, is := strings.Cut(c.Short, ": "); is && c.HasParent() && !slices.Contains(strings.Split(verbs, ", "), sub.Name()) {
				t.Errorf("%s: its short text does not name %s", c.CommandPath(), sub.Name())
			}
			walk(sub)
		}
	}
	walk(newRoot(newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, func(string) string { return "" })))
}

func TestForeignSiteIsRefused(t *testing.T) {
	r := newRig(t)
	other := filepath.Join(t.TempDir(), "other")
	if _, err := site.LoadConfig(other); err == nil {
		t.Error("a site that is not there was opened")
	}
	mine, err := os.ReadFile(r.env)
	if err != nil {
		t.Fatal(err)
	}
	// Another site of the same code: its own anchor, the first one's address.
	foreign := &rig{t: t, env: filepath.Join(t.TempDir(), "context.yaml")}
	line := string(mine[bytes.Index(mine, []byte("url: "))+5:])
	url, _, _ := strings.Cut(line, "\n")
	foreign.want(exitDone, "site", "init", "--code", "CEN", "--dir", other, "--url", url)
	if _, errs := foreign.want(exitFailed, "computer", "list"); !strings.Contains(errs, "certificate") {
		t.Errorf("a site with another CA was believed: %s", errs)
	}
}

// TestDistribute: content is assigned to boxes, and its state is said.
func TestDistribute(t *testing.T) {
	r := newRig(t)
	r.imports()
	r.want(exitDone, "apply", "-f", example, "--accept-missing")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"package", "distribute", "Bootward imaging tools", "--box", "ward7-box"}, exitDone, "is assigned to ward7-box"},
		{[]string{"image", "distribute", "debian-12", "--all"}, exitDone, "is assigned to every box"},
		{[]string{"bootimage", "distribute", "linux-x64", "--all", "--remove"}, exitRefused, "taken away from every box"},
		{[]string{"bootimage", "distribute", "linux-x64", "--all", "--remove", "--yes"}, exitDone, "is assigned to no box"},
		{[]string{"image", "distribute", "debian-12"}, exitUsage, "either --box BOX, or --all"},
		{[]string{"image", "distribute", "debian-12", "--box", "nowhere"}, exitFailed, `Box "nowhere"`},
		{[]string{"image", "distribute", "nothing", "--all"}, exitFailed, `Image "nothing"`},
		{[]string{"image", "distribute", "debian-12", "--box", "ward7-box", "--remove", "--yes"}, exitRefused, "assigned to every box"},
		{[]string{"content", "status"}, exitDone, "ward7-box  yes       unknown  -            Ward 7 gets Debian 12"},
		{[]string{"content", "status", "linux-x64"}, exitDone, "ward7-box  no"},
		{[]string{"content", "status", "nothing"}, exitFailed, "no package, image or boot image"},
		{[]string{"computer", "wake", "ward7-pc1"}, exitDone, "told ward7-box: 1 computers (ward7-pc1)"},
		{[]string{"computer", "wake"}, exitUsage, "--collection"},
		{[]string{"image", "show", "debian-12"}, exitDone, "# box ward7-box: unknown"},
	} {
		out, errs := r.want(c.code, c.args...)
		if !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: %s%s", c.args, out, errs)
		}
	}
	out, _ := r.want(exitDone, "--json", "content", "status", "debian-12")
	var all []api.ContentStatus
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || all[0].Boxes[0].State != api.ContentUnknown {
		t.Errorf("%s, %v", out, err)
	}
}

// TestStatusReport: what a box sent is reported by the names that people know.
func TestStatusReport(t *testing.T) {
	r := newRig(t)
	r.imports()
	r.want(exitDone, "apply", "-f", example, "--accept-missing")
	out, _ := r.want(exitDone, "--json", "box", "token", "ward7-box")
	var token api.EnrolToken
	if err := json.Unmarshal([]byte(out), &token); err != nil {
		t.Fatal(err)
	}
	s, err := site.Open(t.Context(), r.dir, site.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k, err := trust.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := trust.NewCSR(k)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Enrol(t.Context(), api.Enrol{Token: token.Token, ClientCSR: csr, IntermediateCSR: csr, StateID: "s"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.Get(t.Context(), "ann", osd.KindAdvertisement, "Ward 7 gets Debian 12")
	if err != nil {
		t.Fatal(err)
	}
	var advert osd.Advertisement
	if err := json.Unmarshal(raw, &advert); err != nil {
		t.Fatal(err)
	}
	var events []api.BoxEvent
	for i, id := range []status.MessageID{status.SequenceStarted, status.ActionCompleted, status.SequenceCompleted} {
		m := status.Message{Job: "j1", Number: uint64(i + 1), ID: id, Time: time.Now(), Step: 2, Action: "Say who we are", Computer: "ward7-pc1", Advertisement: advert.ID}
		events = append(events, api.BoxEvent{Number: m.Number, Status: &m})
	}
	if _, err := s.TakeEvents(t.Context(), e.Box, api.EventBatch{StateID: "s", Events: events}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"status", "report", "ward7-pc1"}, {"status", "report", "ward7-pc1", "--advertisement", "Ward 7 gets Debian 12"}, {"--json", "status", "report", "ward7-pc1"}} {
		if out, _ := r.want(exitDone, args...); !strings.Contains(out, "11143") || !strings.Contains(out, "Ward 7 gets Debian 12") {
			t.Errorf("%v: %s", args, out)
		}
	}
	if out, _ := r.want(exitDone, "status", "jobs"); !strings.Contains(out, "succeeded") {
		t.Errorf("jobs: %s", out)
	}
	if out, _ := r.want(exitDone, "status", "timeline", "ward7-pc1"); !strings.Contains(out, "Say who we are") {
		t.Errorf("timeline: %s", out)
	}
	r.traced(s, e.Box)
}

// traced looks at what the site says of a machine's boots.
func (r *rig) traced(s *site.Site, box string) {
	r.t.Helper()
	const mac = "52:54:00:77:00:11"
	asked := status.FlightEvent{Time: time.Now(), Client: mac, What: status.FlightRefused, Text: "silent: 32 bits", Boot: &status.Boot{Firmware: "uefi-ia32", Cause: status.CauseArchitecture}}
	began := status.FlightEvent{Time: time.Now().Add(-time.Hour), Client: mac, Job: "j1", What: status.FlightJobStarted, Text: "Wipe"}
	if _, err := s.TakeEvents(r.t.Context(), box, api.EventBatch{StateID: "s", Events: []api.BoxEvent{{Number: 4, Flight: &began}}}); err != nil {
		r.t.Fatal(err)
	}
	if out, _ := r.want(exitDone, "box", "trace", "525400770011"); !strings.Contains(out, "its job succeeded: Wipe") || !strings.Contains(out, "Say who we are") {
		r.t.Errorf("trace: %s", out)
	}
	asks := asked
	asks.What, asks.Boot = status.FlightDiscover, &status.Boot{Firmware: "uefi-ia32", Port: 67}
	if _, err := s.TakeEvents(r.t.Context(), box, api.EventBatch{StateID: "s", Events: []api.BoxEvent{{Number: 5, Flight: &asks}, {Number: 6, Flight: &asked}}}); err != nil {
		r.t.Fatal(err)
	}
	if out, _ := r.want(exitDone, "--json", "box", "trace", mac); !strings.Contains(out, `"code": "no-boot-image"`) {
		r.t.Errorf("trace: %s", out)
	}
	if out, _ := r.want(exitDone, "box", "explain", mac); !strings.Contains(out, "seen last as uefi-ia32") || !strings.Contains(out, "ward7-pc1 at box") || !strings.Contains(out, "--box ADDRESS") {
		r.t.Errorf("explain: %s", out)
	}
	if out, _ := r.want(exitDone, "box", "explain", "52:54:00:77:99:99"); !strings.Contains(out, "treats it as unknown") {
		r.t.Errorf("explain an unknown machine: %s", out)
	}
	r.want(exitUsage, "box", "explain", mac, "--firmware", "uefi-x64-pxe")
	r.want(exitUsage, "box", "trace", "pc9")
	if out, _ := r.want(exitDone, "__complete", "box", "trace", ""); !strings.Contains(out, mac) {
		r.t.Errorf("completion: %s", out)
	}
}
