package httpboot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve runs a server over a file on disk and returns its address and its transfers.
func serve(t *testing.T, limit int) (string, []byte, chan Transfer) {
	t.Helper()
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	file := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan Transfer, 100)
	h := &Handler{
		Limit: limit, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Done: func(x Transfer) { done <- x },
		Open: func(_ context.Context, r Request) (File, error) {
			switch {
			case r.ImageID == "broken":
				return File{}, errors.New("bad sector at /secret/path")
			case r.ImageID != "linux-x64":
				return File{}, fs.ErrNotExist
			case r.Name == "boot.ipxe":
				return File{Content: strings.NewReader("#!ipxe\n" + r.MAC.String() + "\n" + r.Local.String() + "\n" + r.Prompt.String() + "\n")}, nil
			}
			f, err := os.Open(file)
			return File{Content: f, Digest: "abc"}, err
		},
	}
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{Listener: l, Handler: h}).Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server ended with %v", err)
		}
	})
	return "http://" + l.Addr().String(), data, done
}

func do(t *testing.T, method, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, b
}

func TestServe(t *testing.T) {
	at, data, done := serve(t, 0)
	for _, tc := range []struct {
		name, method, path string
		header             []string
		status, length     int
	}{
		{"get", "GET", "/boot/linux-x64/uki.efi", nil, 200, len(data)},
		{"head", "HEAD", "/boot/linux-x64/uki.efi", nil, 200, 0},
		{"range", "GET", "/boot/linux-x64/vmlinuz", []string{"Range", "bytes=16-47"}, 206, 32},
		{"range past the end", "GET", "/boot/linux-x64/vmlinuz", []string{"Range", "bytes=9999999-"}, 416, -1},
		{"unchanged", "GET", "/boot/linux-x64/initrd", []string{"If-None-Match", `"sha256-abc"`}, 304, 0},
		{"script", "GET", "/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56", nil, 200, 38},
		{"unknown image", "GET", "/boot/other/uki.efi", nil, 404, -1},
		{"unknown name", "GET", "/boot/linux-x64/variables.dat", nil, 404, -1},
		{"listing", "GET", "/boot/linux-x64/", nil, 404, -1},
		{"listing of all", "GET", "/boot/", nil, 404, -1},
		{"root", "GET", "/", nil, 404, -1},
		{"traversal", "GET", "/boot/../etc/passwd", nil, 404, -1},
		{"escaped traversal", "GET", "/boot/%2e%2e/uki.efi", nil, 404, -1},
		{"deeper", "GET", "/boot/linux-x64/a/uki.efi", nil, 404, -1},
		{"post", "POST", "/boot/linux-x64/uki.efi", nil, 405, -1},
		{"put elsewhere", "PUT", "/x", nil, 404, -1},
		{"broken store", "GET", "/boot/broken/uki.efi", nil, 503, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp, body := do(t, tc.method, at+tc.path, tc.header...)
			if resp.StatusCode != tc.status || (tc.length >= 0 && len(body) != tc.length) {
				t.Fatalf("status %d, %d bytes; want %d, %d", resp.StatusCode, len(body), tc.status, tc.length)
			}
			if bytes.Contains(body, []byte("secret")) {
				t.Errorf("an inner error was shown: %q", body)
			}
			if tc.method == "HEAD" && (resp.ContentLength != int64(len(data)) || resp.Header.Get("Content-Type") != "application/efi" || resp.Header.Get("ETag") != `"sha256-abc"`) {
				t.Errorf("header %v", resp.Header)
			}
			if tc.method == "GET" && tc.status < 400 {
				select {
				case x := <-done:
					if x.Status != tc.status || x.Bytes != int64(tc.length) || !x.Complete {
						t.Errorf("reported %+v", x)
					}
				case <-time.After(5 * time.Second):
					t.Error("no transfer was reported in 5 s")
				}
			}
		})
	}
	for query, prompt := range map[string]string{"": "0s", "&prompt=10": "10s", "&prompt=300": "5m0s", "&prompt=301": "0s", "&prompt=-1": "0s", "&prompt=1s": "0s", "&prompt=": "0s"} {
		if _, body := do(t, "GET", at+"/boot/linux-x64/boot.ipxe?mac=52:54:00:12:34:56"+query); string(body) != "#!ipxe\n52:54:00:12:34:56\n127.0.0.1\n"+prompt+"\n" {
			t.Errorf("script with %q: %q", query, body)
		}
	}
}

// TestMissingIsReported: a machine that asks for what is not there is stuck, and
// somebody must learn of it.
func TestMissingIsReported(t *testing.T) {
	at, _, done := serve(t, 0)
	for path, want := range map[string]string{"/boot/other/uki.efi?mac=52:54:00:12:34:56": "other/uki.efi", "/boot/linux-x64/pxelinux.0": "/linux-x64/pxelinux.0"} {
		if resp, _ := do(t, "GET", at+path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
		select {
		case x := <-done:
			if x.Status != http.StatusNotFound || x.ImageID+"/"+x.Name != want || x.Complete {
				t.Errorf("%s: reported %+v", path, x)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: nothing was reported in 5 s", path)
		}
	}
}

func TestBrokenTransferIsReported(t *testing.T) {
	at, _, done := serve(t, 0)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", at+"/boot/linux-x64/uki.efi", nil)
	resp, err := (&http.Transport{ReadBufferSize: 4096}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Read(make([]byte, 10))
	resp.Body.Close()
	select {
	case x := <-done:
		if x.Bytes == 0 {
			t.Errorf("reported %+v", x)
		}
	case <-time.After(5 * time.Second):
		t.Error("no transfer was reported in 5 s")
	}
}

func TestLimit(t *testing.T) {
	reported := make(chan Transfer, 10)
	h := &Handler{Limit: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Done: func(x Transfer) { reported <- x }}
	inside, release := make(chan bool), make(chan bool)
	h.Open = func(context.Context, Request) (File, error) {
		inside <- true
		<-release
		return File{}, fs.ErrNotExist
	}
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go (&Server{Listener: l, Handler: h}).Run(t.Context())
	url := "http://" + l.Addr().String() + "/boot/a/uki.efi"
	go http.Get(url)
	<-inside
	for _, u := range []string{url, strings.Replace(url, "uki.efi", "pxelinux.0", 1)} {
		if resp, _ := do(t, "GET", u); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("one too many, %s: %d", u, resp.StatusCode)
		}
	}
	if len(reported) > 0 {
		t.Errorf("one too many is reported: %+v", <-reported)
	}
	close(release)
}

// TestReadFromIsPassedOn holds the way open for sendfile: net/http uses it only if the
// writer that http.ServeContent gets has ReadFrom.
func TestReadFromIsPassedOn(t *testing.T) {
	m := &meter{ResponseWriter: &recorder{}}
	if _, ok := any(m).(io.ReaderFrom); !ok {
		t.Fatal("meter hides ReadFrom, so net/http cannot use sendfile")
	}
	n, err := m.ReadFrom(strings.NewReader("abc"))
	if err != nil || n != 3 || m.bytes != 3 || !m.ResponseWriter.(*recorder).readFrom {
		t.Errorf("ReadFrom was not passed on: %d %v %+v", n, err, m)
	}
}

type recorder struct {
	http.ResponseWriter
	readFrom bool
}

func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	r.readFrom = true
	return io.Copy(io.Discard, src)
}

func TestCurl(t *testing.T) {
	at, data, _ := serve(t, 0)
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out, data[:1000], 0o600); err != nil {
		t.Fatal(err)
	}
	// Resume, as a client with a bad line does.
	if msg, err := exec.CommandContext(t.Context(), "curl", "-sS", "-C", "-", "-o", out, at+"/boot/linux-x64/initrd").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"/boot/linux-x64/uki.efi", "/boot/../uki.efi", "/boot//initrd", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		id, name, ok := split(p)
		if ok && (!filepath.IsLocal(id) || strings.ContainsAny(id, "/\\") || "/boot/"+id+"/"+name != p) {
			t.Fatalf("%q gave %q, %q", p, id, name)
		}
	})
}
