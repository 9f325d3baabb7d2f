package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/document"
)

// TestMistakes: what a person is told of files and words that are wrong, and
// with which exit code.
func TestMistakes(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	computer := "kind: Computer\nname: pc1\nmacs: [\"52:54:00:77:00:11\"]\n"
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitFailed, []string{"apply", "-f", file("latin.yaml", "kind: Computer\nname: \xe9\n")}, "latin.yaml:2: is not UTF-8 text (byte 0xe9)"},
		{exitFailed, []string{"apply", "-f", file("utf16.yaml", "\xff\xfek\x00")}, "utf16.yaml:1: is not UTF-8"},
		{exitFailed, []string{"apply", "-f", file("big.yaml", strings.Repeat("#", document.MaxBytes+1))}, "split it"},
		{exitFailed, []string{"apply", "-f", file("kind.yaml", "kind: Komputer\n")}, `"Komputer" is no kind`},
		{exitFailed, []string{"apply", "-f", file("twice.yaml", computer+"---\n"+computer)}, "is there twice"},
		{exitFailed, []string{"apply", "-f", file("missing.yaml", "kind: Collection\nname: c\nmembers: [nobody, noone]\n")}, "2 places are wrong\n  "},
		{exitFailed, []string{"apply", "-f", empty}, "holds no file *.yaml"},
		{exitFailed, []string{"apply", "-f", filepath.Join(dir, "nothere")}, "there is no such file"},
		{exitFailed, []string{"firmware", "build", "--board", "pc-x86_64", "--box-config", example + "/box.yaml"}, "examples/ward/box.yaml: configuration: kind"},
		{exitFailed, []string{"firmware", "build", "--board", "pc-x86_64", "--enrol-token", example + "/box.yaml"}, "examples/ward/box.yaml: "},
		{exitFailed, []string{"computer", "show", "nobody"}, `Computer "nobody": there is none`},
		{exitFailed, []string{"box", "token", "nobody"}, `Box "nobody": there is none`},
		{exitFailed, []string{"advertisement", "grant", "nothing", "--machines", "1"}, `Advertisement "nothing": there is none`},
		{exitFailed, []string{"status", "timeline", "nobody"}, `Computer "nobody": there is none`},
		{exitFailed, []string{"image", "import", filepath.Join(dir, "nothere.wim")}, "there is no such file"},
		{exitRefused, []string{"image", "import", file("text.wim", "hello")}, "not a WIM file"},
		{exitUsage, []string{"package", "import", file("text", "hello")}, "is no folder"},
		{exitUsage, []string{"computer", "shwo", "x"}, `"shwo" is no command of bootward computer`},
		{exitUsage, []string{"computr"}, "did you mean computer?"},
		{exitUsage, []string{"computer", "show", "Ward", "7"}, "in quotes"},
		{exitUsage, []string{"computer", "show"}, "NAME is missing"},
		{exitUsage, []string{"apply", "x.yaml"}, "bootward apply --help"},
		{exitUsage, []string{"status", "report", "x", "--csv", "--json"}, "choose one"},
	} {
		if _, errs := r.want(c.code, c.args...); !strings.Contains(errs, c.want) {
			t.Errorf("%v: %q is not in %s", c.args, c.want, errs)
		}
	}
}

// TestErrorsAreJSON: with --json each error is one problem document.
func TestErrorsAreJSON(t *testing.T) {
	r := &rig{t: t, env: filepath.Join(t.TempDir(), "none.yaml")}
	for _, c := range []struct {
		code int
		word api.Code
		args []string
	}{{exitUsage, codeUsage, []string{"--json", "computer", "shwo"}}, {exitFailed, codeFailed, []string{"--json", "computer", "list"}}} {
		_, errs := r.want(c.code, c.args...)
		var e api.Error
		if err := json.Unmarshal([]byte(errs), &e); err != nil || e.Code != c.word || e.Detail == "" {
			t.Errorf("%v: %v: %s", c.args, err, errs)
		}
	}
}

func TestStandardInput(t *testing.T) {
	r := newRig(t)
	var o, e bytes.Buffer
	in := strings.NewReader("kind: Computer\nname: pc1\nmacs: [\"52:54:00:77:00:11\"]\n")
	if got := run(t.Context(), newApp(in, &o, &e, r.getenv), []string{"apply", "-f", "-"}); got != exitDone || !strings.Contains(o.String(), `create     Computer "pc1"`) {
		t.Errorf("exit code %d: %s%s", got, o.String(), e.String())
	}
	if out, _ := r.want(exitDone, "__complete", "computer", "show", ""); !strings.Contains(out, "pc1\t") {
		t.Errorf("completion: %s", out)
	}
	if out, _ := r.want(exitDone, "__complete", "status", "report", "pc1", "--advertisement", ""); strings.Contains(out, "pc1") {
		t.Errorf("completion of a flag: %s", out)
	}
}

func TestInterrupted(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var o, e bytes.Buffer
	if got := run(ctx, newApp(strings.NewReader(""), &o, &e, r.getenv), []string{"computer", "list"}); got != exitInterrupted || e.String() != "bootward: interrupted\n" {
		t.Errorf("exit code %d: %s", got, e.String())
	}
}

func TestProgress(t *testing.T) {
	now := time.Unix(1000, 0)
	var b bytes.Buffer
	p := &progress{w: &b, bar: true, name: "debian-12", now: func() time.Time { return now }}
	p.show("hashing", 0, 100<<20)
	now = now.Add(2 * time.Second)
	p.show("hashing", 25<<20, 100<<20)
	p.show("sending", 100<<20, 100<<20)
	p.show("verifying", 0, 100<<20)
	p.done()
	for _, want := range []string{"[#####...............]  25% debian-12: hashing 25.0 MiB of 100.0 MiB, 12.5 MiB/s, 6s left", "the site verifies 100.0 MiB",
		"debian-12: 25.0 MiB hashed in 2.0 s (12.5 MiB/s), sent in 0.0 s, verified by the site in 0.0 s\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in %q", want, b.String())
		}
	}
	b.Reset()
	p = &progress{w: &b, name: "debian-12", now: func() time.Time { return now }}
	p.show("hashing", 1, 2)
	if b.Len() > 0 {
		t.Errorf("progress where there is no terminal: %q", b.String())
	}
}
