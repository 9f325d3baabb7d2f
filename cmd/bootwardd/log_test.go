package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/client"
)

// admirer is somebody at the site who looks at a log.
type admirer struct {
	buffer
	stop  func()
	ended chan error
}

func (r *rig) admire(c *client.Client, name string, follow bool) *admirer {
	ctx, stop := context.WithTimeout(r.t.Context(), time.Minute)
	a := &admirer{stop: stop, ended: make(chan error, 1)}
	go func() {
		_, _, err := c.Log(ctx, name, 0, follow, a)
		a.ended <- err
	}()
	r.t.Cleanup(stop)
	return a
}

// shows waits until the log is this.
func (r *rig) shows(a *admirer, text string) {
	r.t.Helper()
	r.eventually("the log at the site", func() error {
		if got := a.String(); got != text {
			return fmt.Errorf("it is %q, want %q", got, text)
		}
		return nil
	})
}

// log sends a part of the machine's log to the box.
func (m *target) log(offset int, text string) {
	m.r.t.Helper()
	req, err := http.NewRequestWithContext(m.r.t.Context(), "POST", fmt.Sprintf("%s/v1/job/log?offset=%d", m.url(), offset), bytes.NewReader([]byte(text)))
	if err != nil {
		m.r.t.Fatal(err)
	}
	resp, err := m.http.Do(req)
	if err != nil {
		m.r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		m.r.t.Fatalf("log: %d %s", resp.StatusCode, raw)
	}
}

// TestLogAtTheSite: the log of a machine goes from its agent by the box to who looks at it at the
// site, while he looks; a line that is cut is told, and mended it goes on.
func TestLogAtTheSite(t *testing.T) {
	r := newRig(t)
	r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	if _, code, text := m.claim(mandatory(t, m)); code != http.StatusOK {
		t.Fatalf("claim: %d %s", code, text)
	}
	var job api.Job
	if code, text := m.call(api.RouteJob, nil, &job); code != http.StatusOK {
		t.Fatalf("job: %d %s", code, text)
	}
	// Not through the line: it is the box's.
	anchor, err := os.ReadFile(filepath.Join(r.siteDir, "anchor.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(&client.Context{URL: "https://" + r.line.to, Site: "CEN", Token: r.admin, Anchor: string(anchor), Fingerprint: r.site.Anchor().Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	send(t, m, job, 1, status.SequenceStarted, 2)
	r.eventually("the job at the site", func() error {
		if jobs, err := c.Jobs(t.Context()); err != nil || len(jobs) != 1 {
			return fmt.Errorf("%+v, %w", jobs, err)
		}
		return nil
	})
	var none *api.Error
	if _, _, err := c.Log(t.Context(), "ward7-pc1", 0, false, io.Discard); !errors.As(err, &none) || none.Code != api.CodeNotFound || !strings.Contains(none.Detail, "box ward7-box says: it keeps no log") {
		t.Errorf("before there is a log: %v", err)
	}
	m.log(0, "one\r\n")
	first, second := r.admire(c, "ward7-pc1", true), r.admire(c, job.ID, true)
	r.shows(first, "one\r\n")
	r.shows(second, "one\r\n")
	m.log(5, "two\r\n")
	r.shows(first, "one\r\ntwo\r\n")
	r.shows(second, "one\r\ntwo\r\n")

	before := strings.Count(r.boxLog.String(), "has what it wants")
	first.stop()
	r.eventually("the box stops", func() error {
		if strings.Count(r.boxLog.String(), "has what it wants") == before {
			return errors.New("it sends on")
		}
		return nil
	})
	r.line.cut()
	if err := <-second.ended; !errors.As(err, &none) || none.Code != api.CodeUnavailable || !strings.Contains(none.Detail, "box ward7-box") {
		t.Errorf("the line is cut: %v", err)
	}
	r.line.mend()
	third := r.admire(c, "ward7-pc1", true)
	r.shows(third, "one\r\ntwo\r\n")
	send(t, m, job, 2, status.SequenceCompleted, 3)
	if err := <-third.ended; err != nil {
		t.Errorf("the end of the job: %v", err)
	}
}
