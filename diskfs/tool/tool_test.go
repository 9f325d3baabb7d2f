package tool

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExecLines(t *testing.T) {
	var got []string
	err := Exec{}.Run(t.Context(), Command{
		Path: "sh", Args: []string{"-c", `printf 'one\rtwo\n\nthree'`},
		Line: func(s string) { got = append(got, s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func TestExecFailure(t *testing.T) {
	err := Exec{}.Run(t.Context(), Command{Path: "sh", Args: []string{"-c", "echo no room >&2; exit 28"}})
	if code, ok := Code(err); !ok || code != 28 || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v", err)
	}
	if err := (Exec{}).Run(t.Context(), Command{Path: "no-such-program"}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("got %v", err)
	}
	if err := (Exec{}).Run(t.Context(), Command{Path: "sh", Root: "/"}); err == nil {
		t.Error("a relative path inside another root was accepted")
	}
}

func TestExecCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := Exec{}.Run(ctx, Command{Path: "sleep", Args: []string{"60"}})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}

func TestExecEnvironment(t *testing.T) {
	t.Setenv("LEAK", "yes")
	err := Exec{}.Run(t.Context(), Command{Path: "sh", Args: []string{"-c", `test -z "$LEAK"`}})
	if err != nil {
		t.Errorf("environment leaked: %v", err)
	}
}

// TestExecInput: a program reads what it is given, and its command line and environment do not show it.
func TestExecInput(t *testing.T) {
	var got []string
	c := Command{Path: "/bin/sh", Args: []string{"-c", "cat; tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$$/environ"}, Input: []byte("geheim\n"), Line: func(l string) { got = append(got, l) }}
	if err := (Exec{}).Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if len(got) < 2 || got[0] != "geheim" || strings.Contains(strings.Join(got[1:], " "), "geheim") || strings.Contains(c.String(), "geheim") {
		t.Errorf("%q", got)
	}
}
