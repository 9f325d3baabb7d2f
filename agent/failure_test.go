package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// retrying is a box that is asked whether a failed job goes on.
type retrying struct {
	*box
	mu     sync.Mutex
	asked  []api.Retry
	answer func(n int, in api.Retry) (api.Retried, *api.Error)
}

func newRetrying(t *testing.T, document string) *retrying {
	b := &retrying{box: newBox(t, document)}
	delete(b.job.Variables, "SMSTSErrorDialogTimeout")
	next := b.server.Config.Handler
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc(api.RouteRetry, func(w http.ResponseWriter, r *http.Request) {
		var in api.Retry
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		b.mu.Lock()
		b.asked = append(b.asked, in)
		out, failed := b.answer(len(b.asked), in)
		b.mu.Unlock()
		if failed != nil {
			w.Header().Set("Content-Type", api.ProblemType)
			w.WriteHeader(failed.Status)
			send(t, w, failed)
			return
		}
		send(t, w, out)
	})
	b.server.Config.Handler = mux
	return b
}

// byPerson lets a person at the machine go on, and nobody else.
func byPerson(_ int, in api.Retry) (api.Retried, *api.Error) {
	return api.Retried{Again: in.Person, By: "a person at the machine"}, nil
}

// late is an administrator who lets the machine go on when the person at it was refused.
func late() func(int, api.Retry) (api.Retried, *api.Error) {
	allowed := false
	return func(_ int, in api.Retry) (api.Retried, *api.Error) {
		if in.Person {
			allowed = true
			return api.Retried{}, api.Errorf(api.CodeRefused, "j-1", "a newer job of this machine has begun")
		}
		return api.Retried{Again: allowed, By: "ann"}, nil
	}
}

// TestRetry: a failed sequence goes on at the step that failed, with its variables, once
// somebody wants that: the person at the machine, or an administrator.
func TestRetry(t *testing.T) {
	const screen = "THE TASK SEQUENCE FAILED"
	refused := api.Errorf(api.CodeRefused, "j-1", "a newer job of this machine has begun")
	for _, tt := range []struct {
		name    string
		answer  func(n int, in api.Retry) (api.Retried, *api.Error)
		answers [][2]string
		again   bool
		shows   string
	}{
		{"the person", byPerson, [][2]string{{screen, "r"}}, true, "going on at step 3: a person at the machine wants it"},
		{"an administrator", func(int, api.Retry) (api.Retried, *api.Error) { return api.Retried{Again: true, By: "ann"}, nil }, nil, true, "going on at step 3: ann wants it"},
		{"an administrator in the last moment", late(), [][2]string{{screen, "r"}, {"a newer job of this", "\r"}}, true, "going on at step 3: ann wants it"},
		{"restart", byPerson, [][2]string{{screen, "\r"}}, false, "R try again"},
		{"the box says no", func(_ int, in api.Retry) (api.Retried, *api.Error) {
			if in.Person {
				return api.Retried{}, refused
			}
			return api.Retried{}, nil
		}, [][2]string{{screen, "R"}, {"a newer job of this", "\r"}}, false, "does not let the job go on"},
		{"the log first", byPerson, [][2]string{{screen, "l"}, {"Page 1 of", "q"}, {screen, "r"}}, true, "start executing step"},
		{"no shell", byPerson, [][2]string{{screen, "s\r"}}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			marker := filepath.Join(t.TempDir(), "marker")
			b := newRetrying(t, `{"format":1,"name":"Test","steps":[{"setTaskSequenceVariable":{"variable":"X","value":"kept"}},{"group":"G","steps":[
				{"runCommandLine":{"name":"Break it once","command":"if test -e `+marker+`; then echo %X%; else touch `+marker+`; exit 4; fi"}}]}]}`)
			b.answer = tt.answer
			s := b.newSession(&bytes.Buffer{})
			shown := s.person(t, tt.answers...)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			next, err := s.deploy(ctx, api.Offer{Mandatory: true}, nil, false)
			if err != nil || next != NextDisk || !strings.Contains(shown.String(), tt.shows) {
				t.Fatalf("%v, %v\n%s", next, err, shown)
			}
			want := []int{10002, 10005, 11144, 11140, 11134, 11124, 11135, 11141}
			if tt.again {
				want = append(want, 11140, 11134, 11127, 11143)
			}
			if d := cmp.Diff(want, b.ids()); d != "" {
				t.Fatalf("%s\n%s", d, shown)
			}
			if !tt.again {
				return
			}
			if m := b.messages[8]; !strings.Contains(m.Output, "going on at step 3, which failed") || m.Number != 9 {
				t.Errorf("%+v", m)
			}
			if m := b.messages[9]; m.Output != "kept\n" || m.Step != 3 || m.Group != "G" {
				t.Errorf("%+v", m)
			}
		})
	}
}

// TestRetryPassword: where the box wants its PXE password for that, the person is asked.
func TestRetryPassword(t *testing.T) {
	b := newRetrying(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"exit 3"}}]}`)
	b.answer = func(_ int, in api.Retry) (api.Retried, *api.Error) {
		if in.Person && in.Ticket == "" {
			return api.Retried{}, api.Errorf(api.CodeRefused, api.FieldPassword, "it needs the PXE password")
		}
		return api.Retried{}, nil
	}
	s := b.newSession(&bytes.Buffer{})
	shown := s.person(t, [2]string{"THE TASK SEQUENCE FAILED", "r"}, [2]string{"PXE password: ", "\r"}, [2]string{"without the PXE password", "\r"})
	if _, err := s.deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
}

// TestNothingToRetry: what failed before its first step cannot go on at one.
func TestNothingToRetry(t *testing.T) {
	b := newRetrying(t, `{"format":1,"name":"Test","steps":[{"partitionDisk":{"style":"gpt","volumes":[{"type":"primary","size":"100%"}]}}]}`)
	b.answer = byPerson
	s := b.newSession(&bytes.Buffer{})
	shown := s.person(t, [2]string{"THE TASK SEQUENCE FAILED", "r\r"})
	if _, err := s.deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	if len(b.asked) != 0 || strings.Contains(shown.String(), "R try again") || !strings.Contains(shown.String(), "nobody allowed this run to erase the disk") {
		t.Errorf("the box was asked %+v\n%s", b.asked, shown)
	}
}

// TestAnswered: what a person typed wins over what the computer has; a default does not;
// without either the sequence does not begin.
func TestAnswered(t *testing.T) {
	seq := &sequence.Sequence{Questions: []sequence.Question{{Variable: "Bay", Prompt: "Bay?", Default: "1"}, {Variable: "Pin", Prompt: "PIN?", Secret: true, Optional: true}}}
	for _, tt := range []struct {
		name  string
		has   string
		typed map[string]string
		want  string
	}{
		{"the default", "", nil, "1"}, {"the computer's", "7", nil, "7"}, {"typed", "7", map[string]string{"Bay": "9", "Pin": "4711"}, "9"},
	} {
		env := sequence.NewEnvironment()
		if err := env.Set("Bay", tt.has); err != nil {
			t.Fatal(err)
		}
		if err := answered(env, seq, tt.typed); err != nil {
			t.Fatal(err)
		}
		if got, _ := env.Get("Bay"); got != tt.want || strings.Contains(env.Redact("pin 4711"), "4711") != (tt.typed == nil) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	seq.Questions[0].Default = ""
	if err := answered(sequence.NewEnvironment(), seq, nil); err == nil || !strings.Contains(err.Error(), "Bay?") {
		t.Errorf("without an answer: %v", err)
	}
}

// TestShell: a shell is offered where the boot image has command support, and the failure
// stands there again behind it. Elsewhere neither key does anything.
func TestShell(t *testing.T) {
	for supported, want := range map[bool]int{true: 2, false: 0} {
		t.Run(fmt.Sprint(supported), func(t *testing.T) { testShell(t, supported, want) })
	}
}

func testShell(t *testing.T, supported bool, want int) {
	b := newRetrying(t, `{"format":1,"name":"Test","steps":[{"runCommandLine":{"command":"exit 3"}}]}`)
	b.answer, b.job.CommandSupport = byPerson, supported
	s := b.newSession(&bytes.Buffer{})
	shells := 0
	s.conf.Shell = func(context.Context) error { shells++; return nil }
	const screen = "THE TASK SEQUENCE FAILED"
	answers := [][2]string{{screen, "s"}, {screen, "\x1b[19~"}, {screen, "\x03"}}
	if !supported { // the page is not written anew
		answers = [][2]string{{screen, "s\x1b[19~\x03"}}
	}
	shown := s.person(t, answers...)
	if _, err := s.deploy(t.Context(), api.Offer{Mandatory: true}, nil, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.folder.Dir(), "smsts.log")); err != nil || shells != want || strings.Contains(shown.String(), "S (F8) shell") != supported || !strings.Contains(shown.String(), s.folder.Dir()+"/smsts.log") {
		t.Errorf("%d shells, %v\n%s", shells, err, shown)
	}
}

// TestRetryInside: in the installed system a failure stands on the console too, and the job goes on
// where it failed when an administrator wants it, also behind a restart of the agent; nobody
// comes: it is over, and nothing but its log is left.
func TestRetryInside(t *testing.T) {
	for _, tt := range []struct {
		name    string
		running int
		timeout string
		answer  bool
		ids     []int
		log     string
	}{
		{"a power cut, and an administrator", 2, "", true, []int{11135, 11141, 11140, 11134, 11143}, "going on at the step that failed"},
		{"a power cut, and nobody", 2, "1", false, []int{11135, 11141}, "the machine stopped while this step was running"},
		{"at once", 2, "0", true, []int{11135, 11141}, "the machine stopped while this step was running"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRetrying(t, restarts)
			if tt.timeout != "" {
				b.job.Variables["SMSTSErrorDialogTimeout"] = tt.timeout
			}
			b.answer = func(int, api.Retry) (api.Retried, *api.Error) {
				return api.Retried{Again: tt.answer, By: "ann"}, nil
			}
			var screen bytes.Buffer
			s, root := b.restarted(&screen, tt.running)
			next, err := Resume(t.Context(), Config{Run: t.TempDir(), Root: root, Console: s.console})
			if err != nil || next != "" {
				t.Fatalf("%q, %v\n%s", next, err, screen.String())
			}
			if d := cmp.Diff(tt.ids, b.ids()); d != "" {
				t.Errorf("%s\n%s", d, screen.String())
			}
			for _, want := range []string{"THE TASK SEQUENCE FAILED", "Step:      2 Run Command Line", "computer retry", "Log:       /var/log/bootward/smsts.log"} {
				if !strings.Contains(screen.String(), want) {
					t.Errorf("the console does not show %q:\n%s", want, screen.String())
				}
			}
			if (tt.timeout == "0") != (len(b.asked) == 0) {
				t.Errorf("asked %d times", len(b.asked))
			}
			gone(t, root, tt.log)
		})
	}
}

// TestEndOnRecord: power was cut when the end was reported and not in the state. It is reported once: the box refuses
// a second report, and takes it for the end of the job that goes on.
func TestEndOnRecord(t *testing.T) {
	for _, tt := range []struct {
		last status.MessageID
		want []int
	}{
		{status.SequenceFailed, []int{11141, 11140, 11134, 11143}},
		{status.SequenceCompleted, []int{11143}},
	} {
		b := newRetrying(t, restarts)
		b.answer = func(int, api.Retry) (api.Retried, *api.Error) { return api.Retried{Again: true, By: "ann"}, nil }
		var screen bytes.Buffer
		s, root := b.restarted(&screen, 0)
		var state engine.State
		if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
			t.Fatal(err)
		}
		if state.Restarting, state.Next = nil, 3; tt.last == status.SequenceFailed {
			state.Next, state.FailedAt, state.ExitCode, state.Reason = 2, 2, 9, "it broke"
		}
		line, err := json.Marshal(status.Message{ID: tt.last, Job: "j-1", Number: 1, Stage: status.StageInstalledSystem})
		if err := errors.Join(err, s.folder.WriteJSON(job.FileState, state), s.folder.Append(job.FileStatus, line)); err != nil {
			t.Fatal(err)
		}
		if next, err := Resume(t.Context(), Config{Run: t.TempDir(), Root: root, Console: s.console}); err != nil || next != "" {
			t.Fatalf("%q, %v\n%s", next, err, screen.String())
		}
		if d := cmp.Diff(tt.want, b.ids()); d != "" {
			t.Errorf("%s\n%s", d, screen.String())
		}
	}
}

// TestStandsAgain: the agent is ended while a failure stands, and stands there again when it starts.
func TestStandsAgain(t *testing.T) {
	b := newRetrying(t, restarts)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	b.answer = func(n int, _ api.Retry) (api.Retried, *api.Error) {
		stop()
		return api.Retried{Again: n > 1, By: "ann"}, nil
	}
	var screen bytes.Buffer
	s, root := b.restarted(&screen, 2)
	conf := Config{Run: t.TempDir(), Root: root, Console: s.console}
	if _, err := Resume(ctx, conf); err == nil {
		t.Fatalf("it ended\n%s", screen.String())
	}
	if next, err := Resume(t.Context(), conf); err != nil || next != "" {
		t.Fatalf("%q, %v\n%s", next, err, screen.String())
	}
	if d := cmp.Diff([]int{11135, 11141, 11140, 11134, 11143}, b.ids()); d != "" {
		t.Errorf("%s\n%s", d, screen.String())
	}
	if n := strings.Count(screen.String(), "THE TASK SEQUENCE FAILED"); n != 2 {
		t.Errorf("shown %d times\n%s", n, screen.String())
	}
	gone(t, root, "going on at the step that failed")
}

// TestMessagesFollowTheBox: a box that moves while no step fetches anything gets the messages at
// its new address.
func TestMessagesFollowTheBox(t *testing.T) {
	b := newBox(t, looks)
	moved := httptest.NewUnstartedServer(b.server.Config.Handler)
	moved.TLS = b.server.TLS.Clone()
	moved.Config.ErrorLog = b.server.Config.ErrorLog
	moved.StartTLS()
	t.Cleanup(moved.Close)
	var shown screen
	s := b.newSession(&bytes.Buffer{})
	s.console = console.New(nil, &shown, func() time.Duration { return 0 })
	if err := s.claim(t.Context(), api.Offer{}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.folder.WriteJSON(job.FileBox, job.Box{Address: b.server.Listener.Addr().String(), Name: "ward-7"}); err != nil {
		t.Fatal(err)
	}
	s.searchPause = 10 * time.Millisecond
	s.look = func(context.Context) (job.Box, error) {
		return job.Box{Address: moved.Listener.Addr().String(), Name: "ward-7"}, nil
	}
	b.server.Close()
	if err := s.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.report(status.SequenceStarted, 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.flush(t.Context(), 20*time.Second); err != nil || len(b.ids()) != 1 {
		t.Fatalf("%v, the box has %v\n%s", err, b.ids(), shown.String())
	}
	var box job.Box
	if err := s.folder.ReadJSON(job.FileBox, &box); err != nil || box.Address != moved.Listener.Addr().String() {
		t.Errorf("noted: %+v, %v", box, err)
	}
}
