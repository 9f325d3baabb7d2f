package content

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

const benchSize = 64 << 20

func BenchmarkImport(b *testing.B) {
	d := open(b)
	data := noise(1, benchSize)
	b.SetBytes(benchSize)
	for b.Loop() {
		store(b, d, data)
	}
}

func BenchmarkScan(b *testing.B) {
	data := noise(1, benchSize)
	b.SetBytes(benchSize)
	for b.Loop() {
		if _, err := describe(b.Context(), bytes.NewReader(data), io.Discard, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// nobody throws an answer away, so that Serve alone is measured.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n nobody) WriteHeader(int)             {}

func BenchmarkServe(b *testing.B) {
	d := open(b)
	f := store(b, d, noise(1, benchSize))
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		Serve(nobody{http.Header{}}, request, f, d, nil)
	}
}

func BenchmarkServeHTTP(b *testing.B) {
	d := open(b)
	f := store(b, d, noise(1, benchSize))
	server, _ := serveStore(b, d, f, nil)
	b.SetBytes(benchSize)
	for b.Loop() {
		response, err := server.Client().Get(server.URL + "/" + f.SHA256)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != benchSize || err != nil {
			b.Fatal(n, err)
		}
		response.Body.Close()
	}
}

func BenchmarkFetch(b *testing.B) {
	d := open(b)
	f := store(b, d, noise(1, benchSize))
	_, src := serveStore(b, d, f, nil)
	b.SetBytes(benchSize)
	for b.Loop() {
		if err := Fetch(b.Context(), open(b), src, f, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRemote(b *testing.B) {
	d := open(b)
	f := store(b, d, noise(1, benchSize))
	_, src := serveStore(b, d, f, nil)
	b.SetBytes(benchSize)
	for b.Loop() {
		r := remote(b, src, f, RemoteOptions{CacheMiB: 16})
		if n, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, f.Size)); n != benchSize || err != nil {
			b.Fatal(n, err)
		}
		r.Close()
	}
}
