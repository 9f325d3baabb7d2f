package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
)

// logBox takes logs as a box does, and fails as often as it is told to.
type logBox struct {
	mu    sync.Mutex
	log   bytes.Buffer
	fails int
}

func (b *logBox) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := httptest.NewRecorder()
	offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
	raw, err2 := io.ReadAll(r.Body)
	switch {
	case err != nil || err2 != nil || r.URL.Path != "/v1/job/log":
		w.WriteHeader(http.StatusNotFound)
	case b.fails > 0 && len(raw) > 0:
		b.fails--
		w.WriteHeader(http.StatusBadGateway)
	default:
		if next := b.log.Len(); offset <= next && next-offset <= len(raw) {
			b.log.Write(raw[next-offset:])
		}
		_ = json.NewEncoder(w).Encode(api.LogAck{Next: int64(b.log.Len())})
	}
	return w.Result(), nil
}

func (b *logBox) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// TestSendLog: the box has every line once, whatever fails on the way, and no secret.
func TestSendLog(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		box := &logBox{fails: 2}
		box.log.WriteString("before") // an earlier run of the agent sent it
		folder, err := job.Create(filepath.Join(dir, "job"))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder.Dir(), job.FileLog), []byte("before and "), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		s := &session{folder: folder, client: &point.Client{Base: "http://box", HTTP: &http.Client{Transport: box}}}
		s.newLog()
		s.hidden.add("correct horse")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.sendLog(ctx) }()
		s.log.Info("the password is correct horse")
		time.Sleep(5 * time.Minute) // of the bubble's clock
		s.log.Info("later")
		time.Sleep(5 * time.Minute)
		cancel()
		<-done
		s.log.Info("the end")
		s.lastOfLog(t.Context())
		want, err := os.ReadFile(filepath.Join(folder.Dir(), job.FileLog))
		if err != nil {
			t.Fatal(err)
		}
		if got := box.String(); got != string(want) || strings.Contains(got, "correct horse") || !strings.Contains(got, "the end") || strings.Count(got, "later") != 1 {
			t.Errorf("the box has %q, want %q", got, want)
		}
	})
}

// TestLogIsWhereTable32HasIt: by the stage of the deployment.
func TestLogIsWhereTable32HasIt(t *testing.T) {
	for _, tt := range []struct {
		name     string
		stage    string
		resident bool
		want     string
	}{
		{"boot image", status.StageBootImage, false, "RAM"},
		{"no client yet", status.StageInstalledSystem, false, "/var/tmp"},
		{"client", status.StageInstalledSystem, true, "/var/log/bootward"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			folder, err := job.Create(filepath.Join(root, job.Name))
			if err != nil {
				t.Fatal(err)
			}
			s := &session{folder: folder, stage: tt.stage, conf: Config{Root: root, resident: tt.resident}}
			s.newLog()
			s.log.Info("it runs")
			if tt.want == "RAM" {
				if s.logPath() != folder.Dir() {
					t.Errorf("log path %s", s.logPath())
				}
				return
			}
			s.linkLog()
			at := filepath.Join(root, s.logPath(), job.FileLog)
			if raw, err := os.ReadFile(at); err != nil || s.logPath() != tt.want || !strings.Contains(string(raw), "it runs") {
				t.Errorf("%s: %q, %v", at, raw, err)
			}
			if err := folder.KeepLog(filepath.Join(root, installedLogs), 0o750, 0o640); err != nil {
				t.Fatal(err)
			}
			s.unlinkLog()
			if err := folder.Remove(); err != nil {
				t.Fatal(err)
			}
			if raw, err := os.ReadFile(filepath.Join(root, installedLogs, job.FileLog)); err != nil || !strings.Contains(string(raw), "it runs") {
				t.Errorf("behind the end: %q, %v", raw, err)
			}
			if _, err := os.Lstat(filepath.Join(root, installedTemp, job.FileLog)); err == nil {
				t.Error("a link to nowhere stays in the folder for temporary files")
			}
		})
	}
}

// TestLogOfAFailureGoes: a job that goes on behind a failure leaves no log of it in the system
// that it installs.
func TestLogOfAFailureGoes(t *testing.T) {
	s := newBox(t, `{"format":1,"name":"Test","steps":[{"setupOperatingSystem":{}}]}`).newSession(new(bytes.Buffer))
	target := filepath.Join(s.conf.Run, "target")
	left := filepath.Join(target, failedLogs, job.FileLog)
	s.log.Info("a step failed")
	if err := s.folder.Move(filepath.Join(target, job.Name)); err != nil {
		t.Fatal(err)
	}
	if err := s.leaveLog(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Fatal(err)
	}
	if err := s.takeLog(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(left)); !os.IsNotExist(err) {
		t.Errorf("the folder of the log: %v", err)
	}
}
