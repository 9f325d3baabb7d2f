package site

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/eventstream"
	"github.com/bootward/bootward/osd/status"
)

// logRig is a site with two wards, each with a box that has sent a message of a job.
type logRig struct {
	*rig
	ctx      context.Context
	box, far *peer
}

func newLogRig(t *testing.T) *logRig {
	t.Helper()
	r := &logRig{rig: newRig(t)}
	r.apply("kind: Box\nname: near\n---\nkind: Box\nname: far\n---\nkind: Computer\nname: pc1\nmacs: [52:54:00:77:00:11]\n---\nkind: Computer\nname: pc2\nmacs: [52:54:00:77:00:12]\n")
	enrol := func(name, job, computer string) *peer {
		p, _ := r.enrol(must[api.EnrolToken](t, r.person(), "POST", "/v1/boxes/"+name+"/token", nil).Token, "s")
		must[api.EventAck](t, p, "POST", "/v1/box/events", api.EventBatch{StateID: "s", Events: []api.BoxEvent{
			{Number: 1, Status: &status.Message{Job: job, Number: 1, Time: r.clock.now(), Computer: computer, Advertisement: "x"}}}})
		return p
	}
	r.box, r.far = enrol("near", "job1", "pc1"), enrol("far", "job2", "pc2")
	must[api.CheckedIn](t, r.box, "POST", "/v1/box/checkin", api.CheckIn{StateID: "s", Addresses: []string{"192.0.2.17"}})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r.ctx = ctx
	return r
}

// open sends a request and returns its answer as soon as it begins.
func (r *logRig) open(ctx context.Context, p *peer, method, path string, body io.Reader, head ...string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if p.token != "" {
		q.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i+1 < len(head); i += 2 {
		q.Header.Set(head[i], head[i+1])
	}
	return p.http.Do(q)
}

// asked is what the box is asked for, with its next poll.
func (r *logRig) asked(p *peer) []api.LogWanted {
	r.t.Helper()
	_, raw := p.call("GET", "/v1/box/policy", nil)
	var envelope struct{ Payload []byte }
	var v struct{ Epoch, Number uint64 }
	if json.Unmarshal(raw, &envelope) != nil || json.Unmarshal(envelope.Payload, &v) != nil {
		r.t.Fatalf("policy: %s", raw)
	}
	resp, err := r.open(r.ctx, p, "GET", "/v1/box/policy?wait=60&logs=true&have="+Version(v).String(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []api.LogWanted
	if err := json.Unmarshal([]byte(resp.Header.Get(api.LogsWanted)), &all); err != nil || resp.StatusCode != http.StatusNoContent {
		r.t.Fatalf("poll: %d %v %v", resp.StatusCode, resp.Header, err)
	}
	return all
}

// sending is a log that a box sends.
type sending struct {
	t    *testing.T
	zip  *gzip.Writer
	pipe *io.PipeWriter
	code chan int // of the answer; 0: the request broke off
}

func (r *logRig) send(p *peer, id string, at int64) *sending {
	body, pipe := io.Pipe()
	s := &sending{r.t, gzip.NewWriter(pipe), pipe, make(chan int, 1)}
	go func() {
		resp, err := r.open(r.ctx, p, "POST", "/v1/box/logs/"+id, body, api.LogOffset, strconv.FormatInt(at, 10))
		code := 0
		if err == nil {
			code = resp.StatusCode
			resp.Body.Close()
		}
		body.CloseWithError(errors.New("answered"))
		s.code <- code
	}()
	return s
}

func (s *sending) text(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.zip, text); errors.Join(err, s.zip.Flush()) != nil {
		s.t.Fatal(err)
	}
}

func (s *sending) end() {
	s.t.Helper()
	if err := errors.Join(s.zip.Close(), s.pipe.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sending) wants(code int) {
	s.t.Helper()
	select {
	case got := <-s.code:
		if got != code {
			s.t.Errorf("the box gets %d, want %d", got, code)
		}
	case <-time.After(10 * time.Second):
		s.t.Error("the box is not told that nobody wants the log")
	}
}

// viewing is a log that somebody looks at.
type viewing struct {
	t     *testing.T
	began chan *http.Response
	resp  *http.Response
	stop  func()
}

func (r *logRig) view(p *peer, query string) *viewing {
	ctx, stop := context.WithCancel(r.ctx)
	r.t.Cleanup(stop)
	v := &viewing{t: r.t, began: make(chan *http.Response, 1), stop: stop}
	go func() {
		resp, err := r.open(ctx, p, "GET", "/v1/logs/"+query, nil)
		if err != nil && r.ctx.Err() == nil && ctx.Err() == nil {
			r.t.Error(err)
		}
		v.began <- resp
	}()
	return v
}

func (v *viewing) begun() {
	v.t.Helper()
	if v.resp == nil {
		v.resp = <-v.began
	}
	if v.resp == nil || v.resp.StatusCode != http.StatusOK {
		v.t.Fatalf("the log does not begin: %+v", v.resp)
	}
}

// shows reads exactly this text.
func (v *viewing) shows(text string) {
	v.t.Helper()
	v.begun()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(v.resp.Body, got); err != nil || string(got) != text {
		v.t.Fatalf("%q, %v; want %q", got[:n], err, text)
	}
}

// ends reads to the end, and returns what the trailer says.
func (v *viewing) ends() (broken api.Error) {
	v.t.Helper()
	v.begun()
	if rest, err := io.ReadAll(v.resp.Body); err != nil || len(rest) > 0 {
		v.t.Errorf("behind the log: %q, %v", rest, err)
	}
	v.resp.Body.Close()
	if why := v.resp.Trailer.Get(api.LogBroken); why != "" {
		if err := json.Unmarshal([]byte(why), &broken); err != nil {
			v.t.Errorf("%s: %v", why, err)
		}
	}
	return broken
}

// refused is the problem that comes in place of a log.
func (v *viewing) refused() api.Error {
	v.t.Helper()
	resp := <-v.began
	if resp == nil {
		v.t.Fatal("no answer")
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return problemOf(v.t, raw)
}

// TestLog: a viewer is handed what the box sends, as it comes; when he goes the box stops, and
// when the box goes he is told.
func TestLog(t *testing.T) {
	r := newLogRig(t)
	v := r.view(r.person(), "pc1?offset=7&follow=true")
	wanted := r.asked(r.box)
	if len(wanted) != 1 || wanted[0].Job != "job1" || wanted[0].Offset != 7 || !wanted[0].Follow {
		t.Fatalf("asked for: %+v", wanted)
	}
	s := r.send(r.box, wanted[0].ID, 7)
	s.text("one\r\n")
	v.shows("one\r\n")
	if h := v.resp.Header; h.Get(api.LogJob) != "job1" || h.Get(api.LogOffset) != "7" {
		t.Errorf("header: %v", h)
	}
	s.text("two\r\n")
	v.shows("two\r\n")

	other := r.view(r.person(), "job1") // another viewer, by the ID of the job
	second := r.send(r.box, r.asked(r.box)[0].ID, 0)
	second.text("all of it")
	second.end()
	other.shows("all of it")
	if e := other.ends(); e.Code != "" {
		t.Errorf("a whole log ends with %+v", e)
	}
	second.wants(http.StatusNoContent)

	v.stop()
	s.wants(http.StatusNoContent)

	v = r.view(r.person(), "pc1")
	s = r.send(r.box, r.asked(r.box)[0].ID, 0)
	s.text("beg")
	v.shows("beg")
	s.pipe.CloseWithError(errors.New("the power is off"))
	if e := v.ends(); e.Code != api.CodeUnavailable || !strings.Contains(e.Detail, "box near is gone") || !strings.Contains(e.Remedy, "--box 192.0.2.17") {
		t.Errorf("the box is gone: %+v", e)
	}
	if r.logs.all != 0 || len(r.logs.of)+len(r.logs.wishes)+len(r.logs.polls) != 0 {
		t.Errorf("left behind: %+v", r.logs)
	}
}

// TestLogOfAnotherBox: a box hears of its own jobs only, and answers only what it was asked,
// once.
func TestLogOfAnotherBox(t *testing.T) {
	r := newLogRig(t)
	v := r.view(r.person(), "pc1")
	id := r.asked(r.box)[0].ID
	if all := r.logs.tell(r.far.id); len(all) != 0 {
		t.Errorf("another box is told %+v", all)
	}
	r.send(r.far, id, 0).wants(http.StatusNotFound)
	r.send(r.box, "AAAAAAAAAAAAAAAAAAAAAAAAAA", 0).wants(http.StatusNotFound)
	if code, _ := r.person().call("POST", "/v1/box/logs/"+id, nil); code != http.StatusForbidden {
		t.Errorf("a person sends a log: %d", code)
	}
	s := r.send(r.box, id, 0)
	s.text("mine")
	v.shows("mine")
	r.send(r.box, id, 0).wants(http.StatusNotFound)
	s.end()
	v.ends()
	r.send(r.box, id, 0).wants(http.StatusNotFound)
}

// TestLogIsRefused: what is said in place of a log names the box and what can be done.
func TestLogIsRefused(t *testing.T) {
	r := newLogRig(t)
	v := r.view(r.person(), "pc1")
	raw, err := json.Marshal(api.Errorf(api.CodeNotFound, "log", "it keeps no log of this job\x1b[2J%s", strings.Repeat("x", 1000)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.open(r.ctx, r.box, "POST", "/v1/box/logs/"+r.asked(r.box)[0].ID, bytes.NewReader(raw), "Content-Type", api.ProblemType)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%+v, %v", resp, err)
	}
	resp.Body.Close()
	if e := v.refused(); e.Code != api.CodeNotFound || !strings.Contains(e.Detail, "box near says: it keeps no log of this job [2J") || len(e.Detail) > 400 {
		t.Errorf("the box has none: %+v", e)
	}

	r.logs.patience = 50 * time.Millisecond // nobody asks at the moment
	heard := status.Stamp(r.clock.now())
	if e := r.view(r.person(), "pc1").refused(); e.Code != api.CodeUnavailable || !strings.Contains(e.Detail, "box near did not answer within 50ms") ||
		!strings.Contains(e.Detail, heard) || e.Remedy != "bootward --box 192.0.2.17 --as NAME status log pc1" {
		t.Errorf("no answer: %+v", e)
	}
	r.logs.patience = time.Second
	v = r.view(r.person(), "pc1") // a box that does not say all of its reason is let go
	id := r.asked(r.box)[0].ID
	body, pipe := io.Pipe()
	defer pipe.Close()
	go io.WriteString(pipe, `{"detail":"`)
	if resp, err = r.open(r.ctx, r.box, "POST", "/v1/box/logs/"+id, body, "Content-Type", api.ProblemType); err != nil || resp.StatusCode >= 500 { // 404 where this host is slow
		t.Fatalf("half a reason: %+v, %v", resp, err)
	}
	resp.Body.Close()
	v.refused()
	r.logs.patience = time.Hour // not waited for
	r.clock.add(silentBox + time.Minute)
	if e := r.view(r.person(), "pc1").refused(); e.Code != api.CodeUnavailable || !strings.Contains(e.Detail, "box near is not connected; it was heard last at "+heard+" UTC") {
		t.Errorf("not connected: %+v", e)
	}
	if e := r.view(r.person(), "nothing").refused(); e.Code != api.CodeNotFound {
		t.Errorf("nothing: %+v", e)
	}
	r.apply("kind: Computer\nname: pc3\nmacs: [52:54:00:77:00:13]\n")
	if e := r.view(r.person(), "pc3").refused(); e.Code != api.CodeNotFound || !strings.Contains(e.Detail, "nothing was reported") {
		t.Errorf("no job: %+v", e)
	}
	if e := r.view(r.person(), "pc1?offset=-1").refused(); e.Code != api.CodeInvalid {
		t.Errorf("offset: %+v", e)
	}
}

// TestLogNeedsSee: a log is for those who may see the computer, while they may.
func TestLogNeedsSee(t *testing.T) {
	r := newLogRig(t)
	r.apply("kind: Collection\nname: One\nmembers: [pc1]\n")
	sue := r.add("sue", "rights: [{allow: [see], collection: One}]\n")
	for _, name := range []string{"pc2", "job2"} {
		if e := r.view(sue, name).refused(); e.Code != api.CodeNotFound || strings.Contains(e.Detail+e.Remedy, "far") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := r.view(r.add("eve", ""), "pc1").refused(); e.Code != api.CodeForbidden {
		t.Errorf("without any right: %+v", e)
	}
	v := r.view(sue, "pc1?follow=true")
	s := r.send(r.box, r.asked(r.box)[0].ID, 0)
	s.text("one")
	v.shows("one")
	r.apply("kind: Collection\nname: One\nmembers: [pc2]\n")
	r.clock.add(eventstream.Beat + time.Second)
	_, _ = s.zip.Write(nil)
	_ = s.zip.Flush() // a beat
	_ = s.zip.Flush()
	if e := v.ends(); e.Code != api.CodeUnauthorized {
		t.Errorf("she may not see it any more: %+v", e)
	}
	s.wants(http.StatusNoContent)
}

// TestLogsAreBounded in number, in bytes, and by the life of the site.
func TestLogsAreBounded(t *testing.T) {
	r := newLogRig(t)
	r.logs.longest = 3 << 20
	var all []*viewing
	var sent []*sending
	for i := range maxLogsOfBox {
		v := r.view(r.person(), "pc1?follow=true")
		s := r.send(r.box, r.asked(r.box)[0].ID, 0)
		s.text(fmt.Sprint(i))
		v.shows(fmt.Sprint(i))
		all, sent = append(all, v), append(sent, s)
	}
	if e := r.view(r.person(), "pc1").refused(); e.Code != api.CodeTooMany {
		t.Errorf("one more: %+v", e)
	}
	go func() { // a box that sends more than there can be, in few bytes
		part := make([]byte, 1<<20)
		for {
			if _, err := sent[0].zip.Write(part); err != nil {
				return
			}
		}
	}()
	n, err := io.Copy(io.Discard, all[0].resp.Body)
	if err != nil || n > 3<<20 || !strings.Contains(all[0].resp.Trailer.Get(api.LogBroken), "longer than") {
		t.Errorf("%d bytes, %v, %v", n, err, all[0].resp.Trailer)
	}
	sent[0].wants(http.StatusNoContent)
	r.changes.stop()
	for i, v := range all[1:] {
		if e := v.ends(); !strings.Contains(e.Detail, errStopping.Error()) {
			t.Errorf("the site stops: %+v", e)
		}
		sent[i+1].wants(http.StatusNoContent)
	}
}
