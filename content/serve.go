package content

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
)

// writeLimit is how long a client may take for one chunk.
const writeLimit = 2 * time.Minute

// Serve answers GET and HEAD for a file of the store, with one range (RFC
// 9110, section 14) and the digest as ETag. Each chunk is read and verified
// before a byte of it is sent. If one is wrong, nothing of it is sent: the
// file is quarantined, onBad (it may be nil) is told, and the client gets 503,
// or a connection that breaks off if the answer had begun. Who may have the
// file, the caller has decided; f comes from a manifest that was parsed.
func Serve(w http.ResponseWriter, r *http.Request, f File, d *Directory, onBad func(sha string)) {
	s := prepare(w, r, &f)
	if s == nil {
		return
	}
	blob, err := d.Open(f.SHA256)
	if err != nil {
		unavailable(w, f.SHA256, "the file is not here yet")
		return
	}
	defer blob.Close()
	s.blob = blob
	if s.run(); s.bad != nil {
		s.giveUp(blob, d, onBad)
	}
}

// prepare reads a request for a file; nil means that it was answered.
func prepare(w http.ResponseWriter, r *http.Request, f *File) *sender {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, api.Errorf(api.CodeInvalid, f.SHA256, "method %s on a file", r.Method), http.StatusMethodNotAllowed)
		return nil
	}
	etag := `"` + f.SHA256 + `"`
	w.Header().Set("ETag", etag)
	w.Header().Set("Accept-Ranges", "bytes")
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header := r.Header.Get("Range")
	if ifRange := r.Header.Get("If-Range"); ifRange != "" && ifRange != etag {
		header = ""
	}
	offset, length, partial, err := parseRange(header, f.Size)
	if err != nil {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", f.Size))
		refuse(w, api.Errorf(api.CodeInvalid, f.SHA256, "range %q of %d bytes", header, f.Size), http.StatusRequestedRangeNotSatisfiable)
		return nil
	}
	return &sender{w: w, file: f, offset: offset, length: length, partial: partial, head: r.Method == http.MethodHead}
}

// sender is one answer at work.
type sender struct {
	w              http.ResponseWriter
	file           *File
	blob           io.ReaderAt
	offset, length int64
	partial, head  bool
	begun          bool
	bad            error // what is wrong with the blob
}

func (s *sender) run() {
	if s.head || s.length == 0 {
		s.begin()
		return
	}
	end := s.offset + s.length
	first := sort.Search(len(s.file.Chunks), func(i int) bool {
		return s.file.Chunks[i].Offset+s.file.Chunks[i].Length > s.offset
	})
	control := http.NewResponseController(s.w)
	buf := make([]byte, 0, chunkMax)
	for _, c := range s.file.Chunks[first:] {
		if c.Offset >= end {
			return
		}
		buf = grow(buf, c.Length)
		if _, err := s.blob.ReadAt(buf, c.Offset); err != nil {
			s.bad = err
			return
		}
		if sum(buf) != c.SHA256 {
			s.bad = fmt.Errorf("chunk at %d: %w", c.Offset, ErrChunk)
			return
		}
		s.begin()
		// Not every ResponseWriter has deadlines; then the server's count.
		_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := s.w.Write(buf[max(s.offset-c.Offset, 0):min(end-c.Offset, c.Length)]); err != nil {
			return // the client went away
		}
	}
}

func (s *sender) begin() {
	if s.begun {
		return
	}
	s.begun = true
	h := s.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.FormatInt(s.length, 10))
	status := http.StatusOK
	if s.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.offset, s.offset+s.length-1, s.file.Size))
		status = http.StatusPartialContent
	}
	s.w.WriteHeader(status)
}

// giveUp ends an answer whose blob is not what it should be. Unless the blob
// was replaced meanwhile, it goes to quarantine.
func (s *sender) giveUp(blob *os.File, d *Directory, onBad func(sha string)) {
	ours, err := blob.Stat()
	now, statErr := os.Stat(d.blob(s.file.SHA256))
	if err == nil && statErr == nil && os.SameFile(ours, now) {
		// If it cannot be moved away, the next request finds it bad again.
		_ = d.Quarantine(s.file.SHA256)
	}
	if onBad != nil {
		onBad(s.file.SHA256)
	}
	s.breakOff("the file was damaged and is fetched again")
}

// breakOff ends an answer that cannot go on.
func (s *sender) breakOff(why string) {
	if s.begun {
		panic(http.ErrAbortHandler)
	}
	unavailable(s.w, s.file.SHA256, why)
}

func unavailable(w http.ResponseWriter, sha, why string) {
	w.Header().Set("Retry-After", "5")
	refuse(w, api.Errorf(api.CodeUnavailable, sha, "%s", why).WithRemedy("ask again"), 0)
}

// refuse answers with a problem document; status 0 is that of its code.
func refuse(w http.ResponseWriter, e *api.Error, status int) {
	w.Header().Del("ETag")
	e.Status = cmp.Or(status, e.Status)
	e.Title = http.StatusText(e.Status)
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(e.Status)
	// A client that went away needs no answer.
	_ = json.NewEncoder(w).Encode(e)
}

// matches reads If-None-Match (RFC 9110, section 13.1.2).
func matches(header, etag string) bool {
	for v := range strings.SplitSeq(header, ",") {
		if v = strings.TrimSpace(v); v == "*" || strings.TrimPrefix(v, "W/") == etag {
			return true
		}
	}
	return false
}
