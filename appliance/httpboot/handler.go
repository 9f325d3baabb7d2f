package httpboot

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// Request is one request for a boot file.
type Request struct {
	Client  netip.Addr
	Local   netip.Addr       // the address of ours that was asked
	ImageID string           // letters, digits, dot, underscore, hyphen; at most 64
	Name    string           // one of vmlinuz, initrd, uki.efi, boot.ipxe, only32.ipxe
	MAC     net.HardwareAddr // of query parameter mac; nil if absent or malformed
	Prompt  time.Duration    // of query parameter prompt, whole seconds up to 300; 0 if absent or malformed
}

// File is the content of a boot file.
type File struct {
	// Content is an *os.File for files on disk, so that the kernel sends them. It is
	// closed after the answer if it is an io.Closer.
	Content io.ReadSeeker
	// Digest is the SHA-256 in hex, used as entity tag; "" for content made on demand.
	Digest string
}

// OpenFunc opens a boot file. An error that is fs.ErrNotExist gives 404; any other
// is logged and gives 503. It is called by several goroutines at once.
type OpenFunc func(ctx context.Context, r Request) (File, error)

// Transfer is one answered GET of a boot file, or a request for one that is not
// there: then Status is 404, and ImageID may be empty and Name any path.
type Transfer struct {
	Client   netip.AddrPort
	ImageID  string
	Name     string
	MAC      net.HardwareAddr
	Status   int
	Bytes    int64 // of content, written to the connection
	Duration time.Duration
	Complete bool // everything that was asked for was written
}

// Rate is the transfer's speed in bytes per second.
func (t Transfer) Rate() float64 {
	if t.Duration <= 0 {
		return 0
	}
	return float64(t.Bytes) / t.Duration.Seconds()
}

// Handler serves boot files. Its fields are set before use and not changed after.
type Handler struct {
	Open OpenFunc
	Done func(Transfer) // may be nil; called from several goroutines
	Log  *slog.Logger
	// Limit is how many requests are answered at once, 0: 256. More get 503.
	Limit int

	running atomic.Int64
}

const defaultLimit = 256

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit := h.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	if h.running.Add(1) > int64(limit) {
		h.running.Add(-1)
		w.Header().Set("Retry-After", "2")
		http.Error(w, "too many transfers at once", http.StatusServiceUnavailable)
		return
	}
	defer h.running.Add(-1)
	id, name, ok := split(r.URL.Path)
	if !ok { // reported, so counted before
		h.missing(w, r, Request{Name: strings.TrimPrefix(r.URL.Path, "/boot/"), MAC: mac(r)})
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "boot files are read only", http.StatusMethodNotAllowed)
		return
	}
	h.serve(w, r, Request{Client: peer(r).Addr(), Local: local(r), ImageID: id, Name: name, MAC: mac(r), Prompt: prompt(r)})
}

// serve opens the content and sends it.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, q Request) {
	f, err := h.Open(r.Context(), q)
	if errors.Is(err, fs.ErrNotExist) {
		h.missing(w, r, q)
		return
	}
	if err != nil {
		h.Log.Warn("boot file not readable", "image", q.ImageID, "name", q.Name, "error", err)
		http.Error(w, "boot file cannot be read now", http.StatusServiceUnavailable)
		return
	}
	if c, ok := f.Content.(io.Closer); ok {
		defer c.Close()
	}
	w.Header().Set("Content-Type", contentType(q.Name))
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if f.Digest != "" {
		w.Header().Set("ETag", `"sha256-`+f.Digest+`"`)
	}
	m := &meter{ResponseWriter: w, status: http.StatusOK}
	start := time.Now()
	http.ServeContent(m, r, "", time.Time{}, f.Content)
	if r.Method == http.MethodGet && m.status < http.StatusBadRequest {
		h.report(r, q, m, time.Since(start))
	}
}

// missing answers and reports a request for a file that is not there.
func (h *Handler) missing(w http.ResponseWriter, r *http.Request, q Request) {
	http.NotFound(w, r)
	if h.Done != nil {
		h.Done(Transfer{Client: peer(r), ImageID: q.ImageID, Name: q.Name, MAC: q.MAC, Status: http.StatusNotFound})
	}
}

func (h *Handler) report(r *http.Request, q Request, m *meter, took time.Duration) {
	t := Transfer{
		Client: peer(r), ImageID: q.ImageID, Name: q.Name, MAC: q.MAC,
		Status: m.status, Bytes: m.bytes, Duration: took, Complete: m.err == nil && m.bytes == m.want,
	}
	h.Log.Info("boot file", "client", t.Client.String(), "image", t.ImageID, "name", t.Name, "status", t.Status,
		"bytes", t.Bytes, "duration", took.Round(time.Millisecond).String(), "complete", t.Complete)
	if h.Done != nil {
		h.Done(t)
	}
}
