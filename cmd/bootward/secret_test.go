package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/internal/canary"
)

const valueCanary = "Canary-of-a-typed-value"

// wantIn is want with a standard input.
func (r *rig) wantIn(in string, code int, args ...string) string {
	r.t.Helper()
	var out bytes.Buffer
	if got := run(r.t.Context(), newApp(strings.NewReader(in), &out, &out, r.getenv), args); got != code {
		r.t.Fatalf("bootward %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out.String())
	}
	if what, ok := canary.Find(out.Bytes(), valueCanary); ok {
		r.t.Errorf("bootward %s says it again: %s", strings.Join(args, " "), what)
	}
	return out.String()
}

// TestValues sets secrets, a PIN and a PXE password by the command line.
func TestValues(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if out := r.wantIn(valueCanary, exitFailed, "secret", "set", "join"); !strings.Contains(out, "kind: Secret") {
		t.Errorf("a secret that is not there: %s", out)
	}
	r.want(exitDone, "apply", "-f", write("objects.yaml", "kind: Secret\nname: join\n---\nkind: Box\nname: ward7-box\n---\nkind: Person\nname: tom\ntechnician: {boxes: [\"*\"]}\n"))
	for _, args := range [][]string{{"secret", "set", "join"}, {"secret", "set", "join", "--file", "-"}, {"box", "password", "ward7-box"}, {"--json", "secret", "set", "join"}} {
		r.wantIn(valueCanary+"\n", exitDone, args...)
	}
	r.wantIn("", exitDone, "secret", "set", "join", "--file", write("value", valueCanary+"\r\n"))
	r.wantIn("739184\n", exitDone, "person", "pin", "tom")
	r.wantIn("", exitDone, "box", "password", "ward7-box", "--remove", "--yes")
	for _, tt := range []struct {
		in, want string
		code     int
		args     []string
	}{
		{"123456\n", "123456", exitFailed, []string{"person", "pin", "tom"}}, // as the example of a run
		{"short\n", "8 to 128", exitFailed, []string{"box", "password", "ward7-box"}},
		{"\n", "empty", exitFailed, []string{"secret", "set", "join"}},
		{"a\xff", "UTF-8", exitFailed, []string{"secret", "set", "join"}},
		{"", "none", exitFailed, []string{"secret", "set", "join", "-f", filepath.Join(dir, "none")}},
		{"", "not both", exitUsage, []string{"box", "password", "ward7-box", "--remove", "-f", "-"}},
		{valueCanary, "", exitUsage, []string{"secret", "set", "join", "another argument"}},
		{valueCanary, "there is none", exitFailed, []string{"box", "password", "ward9-box"}},
	} {
		if out := r.wantIn(tt.in, tt.code, tt.args...); !strings.Contains(out, tt.want) {
			t.Errorf("%v: %s", tt.args, out)
		}
	}
	if out, _ := r.want(exitDone, "secret", "list"); !strings.Contains(out, "join") {
		t.Errorf("list: %s", out)
	}
	if out, _ := r.want(exitDone, "secret", "show", "join"); !strings.Contains(out, "kind: Secret") || strings.Contains(out, "Canary") {
		t.Errorf("show: %s", out)
	}
	if out, _ := r.want(exitDone, "site", "audit"); strings.Count(out, "revision") != 6 || strings.Contains(out, "Canary") {
		t.Errorf("audit: %s", out)
	}
	r.want(exitDone, "secret", "delete", "join", "--yes")
}

// TestAskTwice: what a person types is asked for again, and not shown.
func TestAskTwice(t *testing.T) {
	for _, tt := range []struct {
		name  string
		typed []string
		want  string
	}{{"alike", []string{valueCanary, valueCanary}, ""}, {"not alike", []string{valueCanary, "other"}, "differ"}, {"nothing", []string{"", ""}, "empty"}, {"interrupted", nil, "closed"}} {
		var errs bytes.Buffer
		a := newApp(nil, nil, &errs, nil)
		got, err := a.askTwice("PIN", func() (string, error) {
			if len(tt.typed) == 0 {
				return "", errors.New("closed")
			}
			next := tt.typed[0]
			tt.typed = tt.typed[1:]
			return next, nil
		})
		if tt.want == "" && (err != nil || got != valueCanary) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || got != "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
		if strings.Contains(errs.String(), "Canary") || !strings.Contains(errs.String(), "PIN: ") {
			t.Errorf("%s: shown %q", tt.name, errs.String())
		}
	}
}
