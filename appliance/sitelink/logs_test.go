package sitelink

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
)

// answered is what the site got of a log.
type answered struct {
	id, kind, offset string
	text             []byte
}

// taking lets the fake site take logs: it reads until enough bytes came, or all.
func (s *fakeSite) taking(t *testing.T, enough int) <-chan answered {
	t.Helper()
	all := make(chan answered, 32)
	s.mux.HandleFunc(api.RouteBoxSendLog, func(w http.ResponseWriter, r *http.Request) {
		a := answered{id: r.PathValue("id"), kind: r.Header.Get("Content-Type"), offset: r.Header.Get(api.LogOffset)}
		in := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			zip, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			in = zip
		}
		a.text, _ = io.ReadAll(io.LimitReader(in, int64(enough)))
		all <- a
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		w.WriteHeader(http.StatusNoContent)
	})
	return all
}

func next(t *testing.T, ctx context.Context, all <-chan answered) answered {
	t.Helper()
	select {
	case a := <-all:
		return a
	case <-ctx.Done():
		t.Fatal("the site got no log")
		return answered{}
	}
}

// TestSendLogs: what the site wants is sent, once each; a refusal is told; and the reading ends
// when the site wants no more.
func TestSendLogs(t *testing.T) {
	s := newFakeSite(t)
	l := openLink(t, s, t.TempDir(), s.token())
	check(t, l.Enrol(quiet).Run(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := s.taking(t, 6)
	stopped := make(chan string, 32)
	read := func(ctx context.Context, w api.LogWanted, begin func(int64) (LogWriter, error)) error {
		if w.Job == "none" {
			return api.Errorf(api.CodeNotFound, "log", "no log")
		}
		out, err := begin(w.Offset + 3)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, "abcdef"); errors.Join(err, out.Flush()) != nil {
			return err
		}
		if w.Follow {
			<-ctx.Done()
			stopped <- w.ID
		}
		return nil
	}
	service := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { service <- l.SendLogs(read, quiet).Run(running) }()
	ask := func(all ...api.LogWanted) {
		raw, err := json.Marshal(all)
		check(t, err)
		check(t, l.logs.add(string(raw)))
	}
	follow := api.LogWanted{ID: "F", Job: "job1", Offset: 4, Follow: true}
	ask(follow, follow)
	if a := next(t, ctx, got); a.id != "F" || a.offset != "7" || string(a.text) != "abcdef" {
		t.Errorf("the site got %+v", a)
	}
	if id := <-stopped; id != "F" {
		t.Errorf("%s stopped", id)
	}
	ask(api.LogWanted{ID: "N", Job: "none"})
	if a := next(t, ctx, got); a.id != "N" || a.kind != api.ProblemType {
		t.Errorf("a refusal: %+v", a)
	}
	ask(api.LogWanted{ID: "W", Job: "job1"})
	if a := next(t, ctx, got); a.id != "W" || string(a.text) != "abcdef" {
		t.Errorf("a whole log: %+v", a)
	}
	stop()
	check(t, <-service)
	select {
	case a := <-got:
		t.Errorf("sent twice: %+v", a)
	default:
	}
	if err := l.logs.add("nonsense"); err == nil {
		t.Error("nonsense is understood")
	}
}

// TestLogsEndWithTheLine: a log that went into a line that is cut does not hold its place.
func TestLogsEndWithTheLine(t *testing.T) {
	s := newFakeSite(t)
	l := openLink(t, s, t.TempDir(), s.token())
	check(t, l.Enrol(quiet).Run(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.mux.HandleFunc(api.RouteBoxSendLog, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- l.sendLog(ctx, api.LogWanted{ID: "F", Job: "job1", Follow: true}, func(ctx context.Context, _ api.LogWanted, begin func(int64) (LogWriter, error)) error {
			_, err := begin(0)
			close(begun)
			<-ctx.Done()
			return err
		})
	}()
	<-begun
	l.note(errors.New("the line is cut"))
	select {
	case <-ended:
	case <-ctx.Done():
		t.Error("it is still sent")
	}
}

// TestLogsAreBounded: a site that asks for too much is told so, and what it asks for beyond is
// not remembered.
func TestLogsAreBounded(t *testing.T) {
	var l logsWanted
	var many []api.LogWanted
	for i := range 3 * maxLogs {
		many = append(many, api.LogWanted{ID: string(rune('A' + i)), Job: "j"})
	}
	raw, err := json.Marshal(many)
	check(t, err)
	check(t, l.add(string(raw)))
	all, sending := l.take()
	if len(all) != 2*maxLogs || sending != 0 {
		t.Errorf("%d wait, %d are sent", len(all), sending)
	}
	check(t, l.add(string(raw)))
	if again, sending := l.take(); len(again) != 0 || sending != 2*maxLogs {
		t.Errorf("again: %d wait, %d are sent", len(again), sending)
	}
	for _, w := range all {
		l.done(w.ID)
	}
	if len(l.known) != 0 {
		t.Errorf("left: %v", l.known)
	}
}

// TestLogsBehindAFailure: the answer that asks for a log shows that the line is whole, before the log
// is begun.
func TestLogsBehindAFailure(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc(api.RouteBoxPolicy, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(api.LogsWanted, `[{"id":"F","job":"job1"}]`)
		w.WriteHeader(http.StatusNoContent)
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	base, err := url.Parse(site.URL)
	check(t, err)
	l := &Link{o: Options{Clock: time.Now, Site: base}, client: site.Client()}
	l.note(errors.New("the line was cut"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	wanted, failure := l.logs.changed.Changed(), make(chan error, 1)
	go func() {
		<-wanted
		_, err := l.Line()
		failure <- err
		cancel() // poll waits a second behind an answer that came at once
	}()
	check(t, l.poll(ctx, quiet))
	if err := <-failure; err != nil {
		t.Errorf("when the log is begun the line is taken to be broken: %v", err)
	}
}
