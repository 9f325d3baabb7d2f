package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets session find the leader in this program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == leaderUse {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSession: a program has the terminal to itself, Ctrl-C reaches what it runs, and however it ends the
// terminal is there for the next one.
func TestSession(t *testing.T) {
	person, terminal := pty(t)
	shown := bufio.NewReader(person)
	for _, tt := range []struct{ name, script, types, shows string }{
		{"reads", "echo ready; read line; echo got $line; exit 3", "hello\n", "got hello"},
		{"is interrupted", "trap 'echo interrupted; exit 0' INT; echo ready; sleep 60 & wait", "\x03", "interrupted"},
		{"hangs up", "echo ready; kill -HUP $$", "", ""},
		{"is ended", "echo ready; sleep 60", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			limited, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- session(limited, terminal, program) }()
			for _, want := range []string{"ready", tt.shows} {
				for line := ""; want != "" && !strings.Contains(line, want); {
					var err error
					if line, err = shown.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
				if want == "ready" {
					if _, err := io.WriteString(person, tt.types); err != nil {
						t.Fatal(err)
					}
				}
			}
			if tt.name == "is ended" {
				cancel()
			}
			if err := <-done; err != nil && tt.name != "is ended" {
				t.Error(err)
			}
			if limited.Err() == context.DeadlineExceeded {
				t.Error("it did not end")
			}
		})
	}
}
