package console

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/keys"
)

func fixed() time.Duration { return 12345 * time.Millisecond }

// TestLines: long texts are wrapped within 79 columns, control characters do not
// reach the terminal, and a progress line leaves no remains.
func TestLines(t *testing.T) {
	var b bytes.Buffer
	c := New(nil, &b, fixed)
	c.Line("step %d: %s", 1, strings.Repeat("word ", 30)+"\x1b[2J")
	c.Progress("50%% done")
	c.Progress("too soon")
	c.Line("next")
	for line := range strings.SplitSeq(b.String(), "\r\n") {
		if i := strings.LastIndexByte(line, '\r'); len(line[i+1:]) > Width {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	for _, bad := range []string{"\x1b", "too soon"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("%q is on the screen", bad)
		}
	}
	if !strings.HasPrefix(b.String(), "[   12.3] step 1: word") || !strings.HasSuffix(b.String(), "\r50% done\r        \r[   12.3] next\r\n") {
		t.Errorf("got %q", b.String())
	}
}

func TestAsk(t *testing.T) {
	for keys, want := range map[string]string{"YES\r": "YES", "YEZ\x7fS\n": "YES", "\x7f\x7f2\r": "2", strings.Repeat("x", 99) + "\r": strings.Repeat("x", 60)} {
		in, out := io.Pipe()
		var b bytes.Buffer
		c := New(in, &b, fixed)
		go func() {
			for _, k := range []byte(keys) { // one at a time, as people type
				out.Write([]byte{k})
			}
		}()
		if got, ok := c.Ask(t.Context(), "? "); !ok || got != want {
			t.Errorf("%q: %q, %v", keys, got, ok)
		}
		in.Close()
	}
	in, out := io.Pipe()
	go out.Write([]byte("Y\x1b"))
	if got, ok := New(in, io.Discard, fixed).Ask(t.Context(), "? "); ok {
		t.Errorf("escape gave %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := New(nil, io.Discard, fixed).Key(ctx); ok {
		t.Error("a key from nowhere")
	}
}

// TestAskSecret: what is typed reaches the program and not the screen.
func TestAskSecret(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	var b bytes.Buffer
	go func() {
		for _, k := range []byte("s3cret\x7f\x7fET\r") {
			out.Write([]byte{k})
		}
	}()
	got, ok := New(in, &b, fixed).AskSecret(t.Context(), "Password: ")
	if !ok || got != "s3crET" || b.String() != "Password: ******\b \b\b \b**\r\n" {
		t.Errorf("%q, %v, %q", got, ok, b.String())
	}
}

// TestKeys: a key that sends an escape sequence is one key, also when its bytes come
// one by one, and Escape alone is Escape.
func TestKeys(t *testing.T) {
	for _, tt := range []struct {
		name, sent string
		want       []keys.Key
	}{
		{"F12", "\x1b[24~x", []keys.Key{keys.F12, 'x'}}, {"F2 of a VT100", "\x1bOQx", []keys.Key{keys.F2, 'x'}},
		{"F2 of Linux", "\x1b[[Bx", []keys.Key{keys.F2, 'x'}}, {"F1 of Linux", "\x1b[[Ax", []keys.Key{keys.Other, 'x'}},
		{"arrow", "\x1b[Ax", []keys.Key{keys.Up, 'x'}}, {"shift and F8", "\x1b[19;2~x", []keys.Key{keys.F8, 'x'}},
		{"escape and a letter", "\x1bqx", []keys.Key{keys.Escape, 'q', 'x'}}, {"escape", "x\x1b", []keys.Key{'x', keys.Escape}},
		{"twice", "\x1b[24~\x1b[24~x", []keys.Key{keys.F12, keys.F12, 'x'}}, {"cut off", "\x1b[24", []keys.Key{keys.Other}},
		{"without end", "\x1b[" + strings.Repeat("1", maxSequence) + "x", []keys.Key{keys.Other, '1', 'x'}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, out := io.Pipe()
			defer in.Close()
			c := New(in, io.Discard, fixed)
			go func() {
				for _, k := range []byte(tt.sent) {
					out.Write([]byte{k})
				}
			}()
			for i := range tt.want {
				if k, ok := c.Key(t.Context()); !ok || k != tt.want[i] {
					t.Fatalf("key %d is %q, %v; want %q", i, k, ok, tt.want[i])
				}
			}
		})
	}
}
