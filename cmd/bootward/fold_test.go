package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	rows := [][]string{{"WHO", "TEXT"}, {"ann", "a word and words"}, {"bartholomew", "0123456789abcdefghij"}}
	for _, tt := range []struct {
		name  string
		width int
		want  [][]string
	}{
		{"fits", 40, rows},
		{"at spaces, and in the middle of a long word", 27, [][]string{{"WHO", "TEXT"}, {"ann", "a word and"}, {"", "words"}, {"bartholomew", "0123456789abcd"}, {"", "efghij"}}},
		{"in the middle of words", 20, [][]string{{"WHO", "TEXT"}, {"ann", "a word"}, {"", "and words"}, {"bartholom", "012345678"}, {"ew", "9abcdefgh"}, {"", "ij"}}},
		{"cannot fit", 5, [][]string{{"WHO", "TEXT"}, {"ann", "a word"}, {"", "and"}, {"", "words"}, {"bartho", "012345"}, {"lomew", "6789ab"}, {"", "cdefgh"}, {"", "ij"}}},
	} {
		if d := cmp.Diff(tt.want, fold(rows, tt.width)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

// Nothing is lost, and no line is wider than was asked for.
func FuzzFoldCell(f *testing.F) {
	f.Add("a word and words", 10)
	f.Add("ääää  ä 0123456789", 3)
	f.Fuzz(func(t *testing.T, text string, width int) {
		if width < 1 || width > 200 || !utf8.ValidString(text) {
			return
		}
		parts := foldCell(text, width)
		if slices.ContainsFunc(parts, func(p string) bool { return utf8.RuneCountInString(p) > width }) {
			t.Errorf("%q in %d: %q", text, width, parts)
		}
		if bare := func(s string) string { return strings.ReplaceAll(s, " ", "") }; bare(strings.Join(parts, "")) != bare(text) {
			t.Errorf("%q: %q", text, parts)
		}
	})
}

// TestAskInterrupted: a question that is not answered ends with the program.
func TestAskInterrupted(t *testing.T) {
	in, never := io.Pipe()
	defer never.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var shown bytes.Buffer
	a := newApp(in, nil, &shown, nil)
	if _, err := a.ask(ctx, "Who? "); !errors.Is(err, context.Canceled) || shown.String() != "Who? \n" {
		t.Errorf("%v, %q", err, shown.String())
	}
}
