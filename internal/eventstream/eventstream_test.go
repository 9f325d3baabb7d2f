package eventstream

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func readAll(r io.Reader) (all []Event, err error) {
	for s := NewReader(r); ; {
		e, err := s.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
}

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want []Event
	}{
		"plain":          {"id: 7\nevent: status\ndata: {}\n\n", []Event{{"7", "status", []byte("{}")}}},
		"comments":       {": hello\n\n:\n\ndata:x\n\n", []Event{{"", "message", []byte("x")}}},
		"lines":          {"data: a\ndata: b\r\n\r\ndata: c\r\r", []Event{{"", "message", []byte("a\nb")}, {"", "message", []byte("c")}}},
		"unknown fields": {"retry: 5\nfoo\ndata: a\n\n", []Event{{"", "message", []byte("a")}}},
		"torn":           {"data: a\n\ndata: b", []Event{{"", "message", []byte("a")}}},
		"no data":        {"event: x\n\ndata: a\n\n", []Event{{"", "message", []byte("a")}}},
		"empty data":     {"data\n\n", []Event{{"", "message", nil}}},
		"NUL in an id":   {"id: a\x00\ndata: a\n\n", []Event{{"", "message", []byte("a")}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(strings.NewReader(tt.in))
			if d := cmp.Diff(tt.want, got); d != "" || err != nil {
				t.Errorf("%v %s", err, d)
			}
		})
	}
	if _, err := readAll(strings.NewReader("data: " + strings.Repeat("x", maxLine))); err == nil {
		t.Error("a line without end is read")
	}
	if _, err := readAll(strings.NewReader(strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000))); err == nil {
		t.Error("an event without end is read")
	}
}

func TestRoundTrip(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out, err := NewWriter(w, time.Minute)
		if err == nil {
			err = errors.Join(out.Send("1-2", "status", map[string]string{"text": "a\nb\r\u2028"}), out.Send("", "lost", 3), out.Mark("1-5"), out.Send("", "lost", 4), out.Flush())
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := readAll(resp.Body)
	want := []Event{{"1-2", "status", []byte(`{"text":"a\nb\r\u2028"}`)}, {"1-2", "lost", []byte("3")}, {"1-5", "lost", []byte("4")}}
	if d := cmp.Diff(want, got); d != "" || err != nil || resp.Header.Get("Content-Type") != Media {
		t.Errorf("%v %v %s", err, resp.Header, d)
	}
}

// TestSlowReader: one that takes nothing is given up, and what sends goes on.
func TestSlowReader(t *testing.T) {
	gone := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out, err := NewWriter(w, 50*time.Millisecond)
		for err == nil {
			err = out.Send("", "status", strings.Repeat("x", 1<<16))
		}
		gone <- err
	}))
	defer s.Close()
	resp, err := http.Get(s.URL) // and reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	select {
	case err := <-gone:
		if !strings.Contains(err.Error(), "takes nothing") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a reader that takes nothing holds its stream for ever")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("id: 7\nevent: status\ndata: {}\n\n: beat\n\ndata: a\r\ndata: b\r\n\r\n"))
	f.Add([]byte("data: a\r\rid\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := readAll(strings.NewReader(string(in)))
		if err == nil {
			for _, e := range got {
				if strings.ContainsAny(e.ID+e.Name, "\r\n\x00") && !strings.Contains(e.Name, "\x00") {
					t.Errorf("%+v", e)
				}
			}
		}
	})
}
