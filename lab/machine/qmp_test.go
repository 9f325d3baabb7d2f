package machine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestQMP(t *testing.T) {
	qemu, client := net.Pipe()
	q := newQMP(client, func() time.Duration { return time.Second })
	go q.read()
	go func() {
		fmt.Fprintln(qemu, `{"QMP": {"version": {}, "capabilities": []}}`)
		in := bufio.NewScanner(qemu)
		for in.Scan() {
			switch {
			case strings.Contains(in.Text(), "quit"):
				fmt.Fprintln(qemu, `{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}}`)
				_ = qemu.Close()
				return
			case strings.Contains(in.Text(), "bad"):
				fmt.Fprintln(qemu, `{"id": 1, "error": {"class": "CommandNotFound", "desc": "no such"}}`)
			default:
				fmt.Fprintln(qemu, `{"event": "RESET"} {"id": 99, "return": {}} {"id": 2, "return": {"status": "running"}}`)
			}
		}
	}()
	if _, err := q.run(t.Context(), "bad"); err == nil || err.Error() != "QMP bad: CommandNotFound: no such" {
		t.Errorf("error %v", err)
	}
	if got, err := q.run(t.Context(), "query-status"); err != nil || string(got) != `{"status": "running"}` {
		t.Errorf("answer %s, %v", got, err)
	}
	if _, err := q.run(t.Context(), "quit"); !errors.Is(err, errQMPClosed) {
		t.Errorf("error %v, want the closed monitor", err)
	}
	if _, err := q.run(t.Context(), "query-status"); !errors.Is(err, errQMPClosed) {
		t.Errorf("error %v, want the closed monitor", err)
	}
	event, ok, err := q.events.wait(t.Context(), 0, func(e Event) bool { return e.Name == "SHUTDOWN" })
	if err != nil || !ok || event.Reason() != "host-qmp-quit" || event.At != time.Second {
		t.Errorf("event %+v, %v, %v", event, ok, err)
	}
	if n := len(q.events.all()); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

func TestQMPDeadline(t *testing.T) {
	qemu, client := net.Pipe()
	defer qemu.Close()
	q := newQMP(client, func() time.Duration { return 0 })
	go q.read()
	go func() { _, _ = io.Copy(io.Discard, qemu) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := q.run(ctx, "query-status"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func FuzzQMP(f *testing.F) {
	f.Add([]byte(`{"QMP": {}} {"event": "RESET", "data": {"reason": 7}}`))
	f.Add([]byte(`{"id": 1, "error": {}}{"id": null}[`))
	f.Fuzz(func(t *testing.T, in []byte) {
		q := newQMP(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(in), io.Discard}, func() time.Duration { return 0 })
		q.read()
		for _, e := range q.events.all() {
			_ = e.Reason()
		}
	})
}
