package agent

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// TestRetries: the variables say how often what came wrong is fetched again; without them the
// guide does, and what is no number is refused by its name.
func TestRetries(t *testing.T) {
	s := newBox(t, looks).newSession(&bytes.Buffer{})
	for _, tt := range []struct {
		count, delay string
		wantCount    int
		wantDelay    time.Duration
		wrong        string
	}{
		{"", "", machine.DownloadRetries, machine.DownloadDelay, ""},
		{"5", "%Pause%", 5, 90 * time.Second, ""},
		{"0", " 0 ", 0, 0, ""},
		{"many", "", 0, 0, `variable SMSTSDownloadRetryCount: "many": give a number from 0 to 1000`},
		{"", "3601", 0, 0, `variable SMSTSDownloadRetryDelay: "3601": give a number from 0 to 3600`},
	} {
		state := engine.State{Format: 1, Variables: map[string]string{"SMSTSDownloadRetryCount": tt.count, "SMSTSDownloadRetryDelay": tt.delay, "Pause": "90"}}
		if err := s.folder.WriteJSON(job.FileState, state); err != nil {
			t.Fatal(err)
		}
		count, delay, err := s.retries()
		switch {
		case tt.wrong == "" && (err != nil || count != tt.wantCount || delay != tt.wantDelay):
			t.Errorf("%q %q: %d, %s, %v", tt.count, tt.delay, count, delay, err)
		case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
			t.Errorf("%q %q: %v", tt.count, tt.delay, err)
		}
	}
}
