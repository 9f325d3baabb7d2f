package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
)

func TestServe(t *testing.T) {
	d := open(t)
	data := noise(4, 1<<20)
	f := store(t, d, data)
	server, _ := serveStore(t, d, f, nil)
	n := len(data)
	tests := []struct {
		name, method string
		header       map[string]string
		status       int
		from, to     int // of the body
	}{
		{"whole", "GET", nil, 200, 0, n},
		{"head", "HEAD", nil, 200, 0, n},
		{"head of a range", "HEAD", map[string]string{"Range": "bytes=5-9"}, 206, 5, 10},
		{"first byte", "GET", map[string]string{"Range": "bytes=0-0"}, 206, 0, 1},
		{"across chunks", "GET", map[string]string{"Range": "bytes=60000-600000"}, 206, 60000, 600001},
		{"open end", "GET", map[string]string{"Range": "bytes=1000000-"}, 206, 1000000, n},
		{"end beyond", "GET", map[string]string{"Range": "bytes=1000000-99999999"}, 206, 1000000, n},
		{"last ten", "GET", map[string]string{"Range": "bytes=-10"}, 206, n - 10, n},
		{"last of more than there is", "GET", map[string]string{"Range": "bytes=-9999999"}, 206, 0, n},
		{"beyond", "GET", map[string]string{"Range": "bytes=1048576-"}, 416, 0, 0},
		{"backwards", "GET", map[string]string{"Range": "bytes=9-5"}, 416, 0, 0},
		{"no digits", "GET", map[string]string{"Range": "bytes=+1-5"}, 416, 0, 0},
		{"nothing", "GET", map[string]string{"Range": "bytes=-"}, 416, 0, 0},
		{"last none", "GET", map[string]string{"Range": "bytes=-0"}, 416, 0, 0},
		{"overflow", "GET", map[string]string{"Range": "bytes=99999999999999999999-"}, 416, 0, 0},
		{"several", "GET", map[string]string{"Range": "bytes=0-1,5-6"}, 200, 0, n},
		{"another unit", "GET", map[string]string{"Range": "lines=0-1"}, 200, 0, n},
		{"not changed", "GET", map[string]string{"If-None-Match": `"x", "` + f.SHA256 + `"`}, 304, 0, 0},
		{"same one", "GET", map[string]string{"Range": "bytes=5-9", "If-Range": `"` + f.SHA256 + `"`}, 206, 5, 10},
		{"another one", "GET", map[string]string{"Range": "bytes=5-9", "If-Range": `"x"`}, 200, 0, n},
		{"put", "PUT", nil, 405, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+"/"+f.SHA256, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.header {
				request.Header.Set(k, v)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != tt.status {
				t.Fatalf("status %d, %v, want %d", response.StatusCode, err, tt.status)
			}
			if tt.status >= 300 {
				return
			}
			h := response.Header
			want := data[tt.from:tt.to]
			if tt.method == "HEAD" {
				want = nil
			}
			if !bytes.Equal(got, want) || h.Get("Content-Length") != strconv.Itoa(tt.to-tt.from) || h.Get("ETag") != `"`+f.SHA256+`"` {
				t.Errorf("%d bytes, header %v", len(got), h)
			}
			contentRange := fmt.Sprintf("bytes %d-%d/%d", tt.from, tt.to-1, n)
			if tt.status == 206 && h.Get("Content-Range") != contentRange {
				t.Errorf("range %q, want %q", h.Get("Content-Range"), contentRange)
			}
		})
	}
}

func TestServeEmpty(t *testing.T) {
	d := open(t)
	f := store(t, d, nil)
	server, _ := serveStore(t, d, f, nil)
	response, err := server.Client().Get(server.URL + "/" + f.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 || len(got) != 0 {
		t.Errorf("status %d, %d bytes, %v", response.StatusCode, len(got), err)
	}
}

// TestServeNeverSendsABadByte flips bytes of the stored blob: what the client
// gets is a prefix of the truth, always.
func TestServeNeverSendsABadByte(t *testing.T) {
	data := noise(4, 1<<20)
	for _, at := range []int64{0, 100_000, 1<<20 - 1} {
		t.Run(strconv.FormatInt(at, 10), func(t *testing.T) {
			d := open(t)
			f := store(t, d, data)
			flip(t, d, f.SHA256, at)
			bad := make(chan string, 2)
			server, src := serveStore(t, d, f, func(sha string) { bad <- sha })
			response, err := server.Client().Get(server.URL + "/" + f.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if response.StatusCode == http.StatusOK && (err == nil || !bytes.HasPrefix(data, got) || int64(len(got)) > at) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if response.StatusCode != http.StatusOK {
				var e api.Error
				if err := json.Unmarshal(got, &e); err != nil || e.Code != api.CodeUnavailable || !e.Retryable || response.Header.Get("Retry-After") == "" {
					t.Errorf("status %d: %s", response.StatusCode, got)
				}
			}
			if _, ok := d.Has(f.SHA256); ok || <-bad != f.SHA256 {
				t.Errorf("in the store %v", ok)
			}
			if _, err := src.Range(t.Context(), f.SHA256, 0, 10); err == nil {
				t.Error("it is still served")
			}
			// The next fetch asks only for what is damaged.
			good := open(t)
			again := &faulty{d: good}
			store(t, good, data)
			if err := Fetch(t.Context(), d, again, f, nil); err != nil || again.sent > chunkMax || !bytes.Equal(load(t, d, f.SHA256), data) {
				t.Errorf("healing: %v, %d bytes were sent", err, again.sent)
			}
		})
	}
}

func TestServeTruncated(t *testing.T) {
	d := open(t)
	f := store(t, d, noise(4, 1<<20))
	longer := f
	longer.Size += 10
	longer.Chunks = append(longer.Chunks[:len(longer.Chunks):len(longer.Chunks)], Chunk{f.Size, 10, zeros})
	_, src := serveStore(t, d, longer, nil)
	if _, err := src.Range(t.Context(), f.SHA256, f.Size, 10); err == nil {
		t.Error("bytes that are not there were served")
	}
	if _, ok := d.Has(f.SHA256); ok {
		t.Error("the truncated file is still in the store")
	}
}

func TestHTTPSource(t *testing.T) {
	from, to := open(t), open(t)
	data := noise(4, 2<<20)
	f := store(t, from, data)
	_, src := serveStore(t, from, f, nil)
	if err := Fetch(t.Context(), to, src, f, nil); err != nil || !bytes.Equal(load(t, to, f.SHA256), data) {
		t.Error(err)
	}
	var e *api.Error
	_, err := src.Manifest(t.Context(), Digest(nil))
	if !errors.As(err, &e) || e.Retryable || e.Status != http.StatusNotFound || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
	_, err = src.Range(t.Context(), f.SHA256, f.Size, 1)
	if !errors.As(err, &e) || e.Code != api.CodeInvalid || e.Retryable {
		t.Errorf("got %v", err)
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-0", int64(1))
	f.Add("bytes=-5", int64(3))
	f.Add("bytes=9-", int64(100))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		offset, length, partial, err := parseRange(header, size)
		if err == nil && (offset < 0 || length < 0 || offset+length > size || partial && length == 0) {
			t.Errorf("%q of %d gives %d+%d", header, size, offset, length)
		}
	})
}
