package agent

import (
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/api"
)

// TestPatience: the menu stays for as long as a person is there, and goes soon where
// nobody asked whether one is.
func TestPatience(t *testing.T) {
	type key struct {
		at time.Duration
		k  string
	}
	const soon = 50 * time.Second
	zero, ten := 0, 10
	for _, tt := range []struct {
		name     string
		line     string
		prompt   *int
		password bool
		keys     []key
		want     time.Duration // when it ends
		chosen   bool
	}{
		{"nobody, asked", "", &ten, false, nil, 10 * time.Second, false},
		{"nobody, not asked", "", &zero, false, nil, glance, false},
		{"nobody, not asked for the password", "", &zero, true, nil, glance, false},
		{"a key before the menu", "", &zero, false, []key{{0, "1\r"}}, glance, false},
		{"a person who chooses at once", "", &zero, false, []key{{soon, "1\r"}}, soon, true},
		{"a person who thinks", "", &zero, false, []key{{soon, "9\r"}, {9 * time.Minute, "1\r"}}, 9 * time.Minute, true},
		{"a person who goes away", "", &zero, false, []key{{soon, "x"}}, soon + idle, false},
		{"a person who comes back", "", &zero, false, []key{{soon, "x"}, {soon + idle - time.Second, "\x7f1\r"}}, soon + idle - time.Second, true},
		{"a person who does not know the password", "", &zero, true, []key{{soon, "x"}}, soon + idle, false},
		{"a person who was asked", "", &ten, false, []key{{5 * time.Second, " "}}, 5*time.Second + idle, false},
		{"a person who pressed F12 before", "bootward.prompted", &ten, false, []key{{9 * time.Minute, "1\r"}}, 9 * time.Minute, true},
		{"one who left since", "bootward.prompted", &zero, false, nil, idle, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, out := io.Pipe()
				defer in.Close()
				s := &session{conf: Config{CommandLine: tt.line}, log: slog.New(slog.DiscardHandler),
					console: console.New(in, io.Discard, func() time.Duration { return 0 })}
				start := time.Now()
				go func() {
					for _, k := range tt.keys {
						time.Sleep(time.Until(start.Add(k.at)))
						out.Write([]byte(k.k))
					}
				}()
				synctest.Wait()
				chosen, _, _ := s.choose(t.Context(), api.Offers{Prompt: tt.prompt, Password: tt.password, Offers: []api.Offer{{Name: "Look"}}})
				if took := time.Since(start); took != tt.want || (chosen != nil) != tt.chosen {
					t.Errorf("chosen %v after %s, want %s", chosen, took, tt.want)
				}
			})
		})
	}
}
