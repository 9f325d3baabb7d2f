package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust"
)

// allowed is the content that a box's policy names: all that the box may
// fetch.
type allowed struct {
	version   Version
	manifests map[string]bool         // by digest
	files     map[string]content.File // by SHA-256
}

// allowedFor lists the content of the box's newest policy.
func (s *Site) allowedFor(ctx context.Context, box string) (*allowed, error) {
	var p store.Policy
	err := s.store.Read(ctx, func(x store.Tx) (err error) {
		p, err = x.Policy(box)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := Version{p.Epoch, p.Number}
	s.mu.Lock()
	have := s.allowed[box]
	s.mu.Unlock()
	if have != nil && have.version == v {
		return have, nil
	}
	fresh, err := s.listAllowed(p)
	if err != nil {
		return nil, fmt.Errorf("content of the policy of box %s: %w", box, err)
	}
	s.mu.Lock()
	s.allowed[box] = fresh
	s.mu.Unlock()
	return fresh, nil
}

func (s *Site) listAllowed(p store.Policy) (*allowed, error) {
	payload, err := trust.Open(p.Envelope, trust.TypePolicy, s.anchor.Signing)
	if err != nil {
		return nil, err
	}
	var snapshot policy.Snapshot
	if err := json.Unmarshal(payload, &snapshot); err != nil {
		return nil, err
	}
	out := &allowed{version: Version{p.Epoch, p.Number}, manifests: map[string]bool{}, files: map[string]content.File{}}
	var digests []string
	for _, p := range snapshot.Packages {
		digests = append(digests, p.Manifest)
	}
	for _, i := range snapshot.Images {
		digests = append(digests, i.Manifest)
	}
	for _, b := range snapshot.BootImages {
		digests = append(digests, b.Manifest)
	}
	for _, d := range digests {
		m, err := s.content.Version(d)
		if err != nil {
			return nil, err
		}
		out.manifests[d] = true
		for _, f := range m.Files {
			out.files[f.SHA256] = f
		}
	}
	return out, nil
}

func (s *Site) getManifest(w http.ResponseWriter, r *http.Request, c caller) error {
	a, err := s.allowedFor(r.Context(), c.box.ID)
	if err != nil {
		return err
	}
	if d := r.PathValue("digest"); a.manifests[d] {
		envelope, err := s.content.Manifest(d)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, err = w.Write(envelope)
		return err
	}
	return api.Errorf(api.CodeNotFound, r.URL.Path, "there is no such content for you")
}

func (s *Site) getBlob(w http.ResponseWriter, r *http.Request, c caller) error {
	a, err := s.allowedFor(r.Context(), c.box.ID)
	if err != nil {
		return err
	}
	f, ok := a.files[r.PathValue("sha256")]
	if !ok {
		return api.Errorf(api.CodeNotFound, r.URL.Path, "there is no such content for you")
	}
	content.Serve(&patientWriter{w, http.NewResponseController(w)}, r, f, s.content, func(sha string) {
		s.log.Error("content damaged on disk: import it again", "sha256", sha)
	})
	return nil
}

// patience is how long a peer may take for one piece of content.
const patience = time.Minute

// patientWriter gives each piece its own time, so that a slow line may take
// hours, and a dead one may not.
type patientWriter struct {
	http.ResponseWriter
	c *http.ResponseController
}

func (p *patientWriter) Write(b []byte) (int, error) {
	if err := p.c.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

type patientReader struct {
	io.Reader
	c *http.ResponseController
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.c.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.Reader.Read(b)
}

// UploadOffset is the header that says how much of a file is there.
const UploadOffset = "Upload-Offset"

func (s *Site) headBlob(w http.ResponseWriter, r *http.Request, _ caller) error {
	sha := r.PathValue("sha256")
	if !content.IsSHA256(sha) {
		return api.Errorf(api.CodeInvalid, sha, "is no SHA-256")
	}
	if size, ok := s.content.Has(sha); ok {
		w.Header().Set(UploadOffset, strconv.FormatInt(size, 10))
		return nil
	}
	w.Header().Set(UploadOffset, strconv.FormatInt(s.content.Received(sha), 10))
	return api.Errorf(api.CodeNotFound, sha, "is not there, or not whole")
}

func (s *Site) putBlob(w http.ResponseWriter, r *http.Request, c caller) error {
	sha := r.PathValue("sha256")
	if !content.IsSHA256(sha) {
		return api.Errorf(api.CodeInvalid, sha, "is no SHA-256")
	}
	offset, size, err := uploadRange(r)
	if err != nil {
		return err
	}
	body := &patientReader{r.Body, http.NewResponseController(w)}
	here, err := s.content.Receive(r.Context(), sha, offset, size, body)
	w.Header().Set(UploadOffset, strconv.FormatInt(here, 10))
	var space *content.SpaceError
	switch {
	case errors.Is(err, content.ErrOffset):
		return api.Errorf(api.CodeConflict, sha, "the next byte wanted is %d", here)
	case errors.As(err, &space):
		return api.Errorf(api.CodeNoSpace, sha, "the site's disk is too full: %d bytes are needed, %d are free", space.Needed, space.Free).
			WithRemedy("make room on the site server, then import again: it goes on where it was")
	case err != nil && here == size && s.content.Received(sha) == 0:
		return api.Errorf(api.CodeInvalid, sha, "%v", err).WithRemedy("these are not the bytes of that digest: send the file from the beginning")
	case err != nil:
		return err
	}
	if here == size {
		s.log.Info("content received", "sha256", sha, "bytes", size, "person", c.person)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// uploadRange reads Content-Range (RFC 9110, section 14.5); without it the
// body is the whole file.
func uploadRange(r *http.Request) (offset, size int64, err error) {
	wrong := api.Errorf(api.CodeInvalid, "Content-Range", "%q is no `bytes FIRST-LAST/SIZE` of a length that is known", r.Header.Get("Content-Range"))
	h := r.Header.Get("Content-Range")
	if h == "" {
		if r.ContentLength < 0 {
			return 0, 0, wrong
		}
		return 0, r.ContentLength, nil
	}
	var last int64
	if n, err := fmt.Sscanf(strings.TrimSpace(h), "bytes %d-%d/%d", &offset, &last, &size); err != nil || n != 3 {
		return 0, 0, wrong
	}
	if offset < 0 || last < offset || last >= size {
		return 0, 0, wrong
	}
	return offset, size, nil
}

// open opens a file of the store.
func (s *Site) open(f content.File) (*os.File, error) { return s.content.Open(f.SHA256) }
