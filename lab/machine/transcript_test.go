package machine

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestStrip(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
		tail     string
	}{
		{"plain", "one\r\ntwo\r\n", []string{"one", "two"}, ""},
		{"prompt", "ward login: ", nil, "ward login: "},
		{"colours", "\x1b[0m\x1b[37m\x1b[40mUEFI \x1b[1mShell\x1b[0m\n", []string{"UEFI Shell"}, ""},
		{"OVMF paints", "\x1b[2J\x1b[01;01H\x1b[=3h\x1b[04;01Hmap\x1b[05;01HPress ESC", []string{"map"}, "Press ESC"},
		{"title", "\x1b]0;ward\x07a\x1b]0;x\x1b\\b\n", []string{"ab"}, ""},
		{"unended title", "\x1b]0;noise\nnext\n", []string{"next"}, ""},
		{"charset", "\x1b(Bx\x1b)0y\n", []string{"xy"}, ""},
		{"backspace", "acéx\b\b\bb\n", []string{"ab"}, ""},
		{"noise", "a\x00\x01\x7fb\xff\n", []string{"ab\ufffd"}, ""},
		{"empty lines", "\n\n\r\n", nil, ""},
		{"very long", strings.Repeat("x", maxLine+1), []string{strings.Repeat("x", maxLine)}, "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var whole, single stripper
			got := whole.write([]byte(tt.in))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if whole.partial() != tt.tail {
				t.Errorf("tail %q, want %q", whole.partial(), tt.tail)
			}
			var bytewise []string
			for i := range len(tt.in) {
				bytewise = append(bytewise, single.write([]byte{tt.in[i]})...)
			}
			if diff := cmp.Diff(got, bytewise); diff != "" {
				t.Errorf("byte by byte it differs (-whole +bytes):\n%s", diff)
			}
		})
	}
}

func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"one\r\n", "\x1b[2J\x1b[01;01Hx", "\x1b]0;t\x07", "\x1b(B\b\xff", "login: "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var s stripper
		for _, line := range append(s.write(in), s.take()) {
			if strings.ContainsAny(line, "\x1b\r\n\b\x00") || !utf8.ValidString(line) {
				t.Errorf("line %q of %q", line, in)
			}
		}
	})
}

func TestTranscript(t *testing.T) {
	var out bytes.Buffer
	now := time.Duration(0)
	tr := newTranscript(func() time.Duration { return now }, &out)
	at := func(d time.Duration, text string) {
		now = d
		if err := tr.write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	at(time.Second, "one\ntw")
	at(2*time.Second, "o\n")
	at(3500*time.Millisecond, "login: ")

	for _, tt := range []struct {
		from int
		re   string
		want Line
	}{
		{0, "^o", Line{0, time.Second, "one"}},
		{0, "two", Line{1, time.Second, "two"}},
		{-4, "login: $", Line{2, 3500 * time.Millisecond, "login: "}},
		{2, "login", Line{2, 3500 * time.Millisecond, "login: "}},
	} {
		got, ok, err := tr.wait(t.Context(), tt.from, regexp.MustCompile(tt.re))
		if err != nil || !ok || got != tt.want {
			t.Errorf("wait %q: %v %v %v, want %v", tt.re, got, ok, err, tt.want)
		}
	}
	if err := tr.close(); err != nil {
		t.Fatal(err)
	}
	want := "[   1.000] one\n[   1.000] two\n[   3.500] login:\n"
	if out.String() != want {
		t.Errorf("file %q, want %q", out.String(), want)
	}
	if _, ok, err := tr.wait(t.Context(), 0, regexp.MustCompile("three")); ok || err != nil {
		t.Errorf("wait on an ended console: %v, %v", ok, err)
	}
}

func TestTranscriptWaits(t *testing.T) {
	tr := newTranscript(func() time.Duration { return 0 }, &bytes.Buffer{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := tr.wait(ctx, 0, regexp.MustCompile("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
	found := make(chan Line)
	go func() {
		line, _, _ := tr.wait(t.Context(), 0, regexp.MustCompile("ready"))
		found <- line
	}()
	for _, part := range []string{"a\n", "rea", "dy"} {
		if err := tr.write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if line := <-found; line.Text != "ready" || line.N != 1 {
		t.Errorf("found %+v", line)
	}
}

func TestTranscriptSurvivesFullDisk(t *testing.T) {
	tr := newTranscript(func() time.Duration { return 0 }, fullDisk{})
	if err := tr.write([]byte("a\nb\n")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want a full disk", err)
	}
	if n := len(tr.all()); n != 2 {
		t.Errorf("%d lines kept, want 2", n)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
