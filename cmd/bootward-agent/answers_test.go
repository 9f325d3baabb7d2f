package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootward/bootward/osd/sequence"
)

var wardQuestions = []sequence.Question{
	{Variable: "Bay", Prompt: "In which bay", Pattern: "[0-9]+"},
	{Variable: "Role", Prompt: "What for", Choices: []string{"Bedside", "Office"}, Default: "Bedside"},
	{Variable: "Pin", Prompt: "Pin", Secret: true, Optional: true},
}

// TestAnswersOfOptions: what stands on the command line is held against the questions, and a secret
// answer must not stand there.
func TestAnswersOfOptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte("canary 1\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		given, files string
		want         map[string]string
		fails        string
	}{
		{"", "", map[string]string{}, ""},
		{"bay=3,Role=office", "Pin=" + file, map[string]string{"Bay": "3", "Role": "Office", "Pin": "canary 1"}, ""},
		{"", "Pin=-", map[string]string{"Pin": "from standard input"}, ""},
		{"Bay=x", "", nil, "the answer for Bay: the answer does not have the form"},
		{"Role=2", "", nil, "give one of: Bedside, Office"},
		{"Bay", "", nil, "give VARIABLE=ANSWER"},
		{"Ward=1", "", nil, "it asks for Bay, Role, Pin"},
		{"Bay=1,BAY=2", "", nil, "twice"},
		{"Pin=canary", "", nil, "--answer-file Pin=FILE"},
		{"", "Pin=/missing", nil, "no such file"},
	} {
		a := &answers{in: strings.NewReader("from standard input\n"), out: io.Discard}
		split := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) }
		a.given, a.files = split(tt.given), split(tt.files)
		got, err := a.ask(t.Context(), wardQuestions)
		if !maps.Equal(got, tt.want) || (err == nil) != (tt.fails == "") || err != nil && (!strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s %s: %v, %v", tt.given, tt.files, got, err)
		}
	}
	if _, err := (&answers{given: []string{"A=1"}, in: strings.NewReader("")}).ask(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "it asks nothing") {
		t.Errorf("no questions: %v", err)
	}
}

// TestAnswersAtATerminal: what is not on the command line is asked, again until it fits; a secret
// one without an echo; the end of the program ends the question.
func TestAnswersAtATerminal(t *testing.T) {
	person, terminal := pty(t)
	t.Cleanup(func() { terminal.Close() })
	if _, err := person.WriteString("east\n7\n\n"); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := &answers{in: terminal, out: &said, files: nil}
	got, err := a.ask(t.Context(), wardQuestions[:2])
	if err != nil || got["Bay"] != "7" || got["Role"] != "Bedside" {
		t.Errorf("%v, %v", got, err)
	}
	for _, want := range []string{"In which bay: the answer does not have the form", "  2  Office\nAnswer [Bedside]: "} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("said %q, which lacks %q", said.String(), want)
		}
	}
	if _, err := person.WriteString("2\ncanary\n"); err != nil {
		t.Fatal(err)
	}
	if got, err = a.ask(t.Context(), wardQuestions[1:]); err != nil || got["Role"] != "Office" || got["Pin"] != "canary" || strings.Contains(said.String(), "canary") {
		t.Errorf("%v, %v, said %q", got, err, said.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = a.ask(ctx, wardQuestions[:1]); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
