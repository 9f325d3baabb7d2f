package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// serveRemote serves a file that is at a source, beside a store.
func serveRemote(t *testing.T, d *Directory, src Source, f File) (*httptest.Server, HTTPSource) {
	t.Helper()
	r := remote(t, src, f, RemoteOptions{Tries: 2})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { ServeRemote(w, q, d, r) }))
	t.Cleanup(server.Close)
	return server, HTTPSource{Client: server.Client(), Base: server.URL, Blobs: "/"}
}

func ranged(t *testing.T, s HTTPSource, f File, offset, length int64) ([]byte, error) {
	t.Helper()
	r, err := s.Range(t.Context(), f.SHA256, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// TestServeRemote: a file that is elsewhere is passed on, ranges of it too; what
// is here already is not fetched again.
func TestServeRemote(t *testing.T) {
	far, here := open(t), open(t)
	data := noise(7, 4<<20)
	f := store(t, far, data)
	src := &faulty{d: far}
	_, relay := serveRemote(t, here, src, f)
	for _, r := range [][2]int64{{0, f.Size}, {700_000, 900_000}, {f.Size - 10, 10}} {
		got, err := ranged(t, relay, f, r[0], r[1])
		if err != nil || !bytes.Equal(got, data[r[0]:r[0]+r[1]]) {
			t.Errorf("range %v: %d bytes, %v", r, len(got), err)
		}
	}
	// Half of it is here, as a transfer that is under way leaves it.
	if err := os.WriteFile(here.partial(f.SHA256), data[:2<<20], 0o644); err != nil {
		t.Fatal(err)
	}
	second := &faulty{d: far}
	_, relay = serveRemote(t, here, second, f)
	if got, err := ranged(t, relay, f, 0, 1<<20); err != nil || !bytes.Equal(got, data[:1<<20]) || second.sent != 0 {
		t.Errorf("%d bytes, %d of them fetched again, %v", len(got), second.sent, err)
	}
	// Bytes here that are wrong are not believed.
	if err := os.WriteFile(here.partial(f.SHA256), make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := ranged(t, relay, f, 0, f.Size); err != nil || !bytes.Equal(got, data) {
		t.Errorf("over a bad partial: %d bytes, %v", len(got), err)
	}
}

// TestServeRemoteFails: what cannot be had is an answer that says so, or one
// that breaks off; never bytes that were not verified.
func TestServeRemoteFails(t *testing.T) {
	far, here := open(t), open(t)
	data := noise(8, 2<<20)
	f := store(t, far, data)
	_, cut := serveRemote(t, here, &faulty{d: far, before: func(int64, int64) error { return errors.New("the line is cut") }}, f)
	if _, err := ranged(t, cut, f, 0, f.Size); err == nil || final(err) {
		t.Errorf("over a line that is cut: %v", err)
	}
	_, lies := serveRemote(t, here, &faulty{d: far, spoil: spoilAt(1_000_000, 1<<30)}, f)
	got, err := ranged(t, lies, f, 0, f.Size)
	if err == nil || !bytes.HasPrefix(data, got) || len(got) > 1_000_000 {
		t.Errorf("from a source that lies: %d bytes, %v", len(got), err)
	}
}

// TestServeRemoteLeft: a reader that goes away holds nobody up.
func TestServeRemoteLeft(t *testing.T) {
	far := open(t)
	f := store(t, far, noise(9, 1<<20))
	waiting, stuck := make(chan struct{}), make(chan struct{})
	defer close(stuck)
	src := &faulty{d: far, before: func(int64, int64) error { close(waiting); <-stuck; return nil }}
	r := remote(t, src, f, RemoteOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	q := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	done := make(chan struct{})
	go func() { ServeRemote(httptest.NewRecorder(), q, open(t), r); close(done) }()
	<-waiting
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the answer goes on without a reader")
	}
}
