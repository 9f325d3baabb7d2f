package distributionpoint

import (
	"net/http"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
)

// Point serves the content of jobs. Its fields are set before use and not
// changed after. Who asks, and what his job pins, the caller has found out.
type Point struct {
	Library *Library
	// OnBad is called with the SHA-256 of a blob that failed its digest, after
	// it was put into quarantine. It must not block.
	OnBad func(sha string)
	// Relay passes on what is not here, for jobs that may have it so; nil: never.
	Relay *Relay
}

// Manifest answers with the signed manifest of a digest that the job pins. It
// returns the error that the caller is to answer with.
func (p *Point) Manifest(w http.ResponseWriter, r *http.Request, digest string, pinned []api.JobContent) *api.Error {
	i := slices.IndexFunc(pinned, func(c api.JobContent) bool { return c.Manifest == digest })
	if i < 0 {
		return api.Errorf(api.CodeNotFound, digest, "this job has no such content")
	}
	envelope, err := p.Library.dir.Manifest(digest)
	if err != nil && pinned[i].Remote && p.Relay != nil {
		envelope, _, err = p.Relay.version(r.Context(), digest)
	}
	if err != nil {
		return incomplete(w, digest)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(envelope) // a client that went away needs no answer
	return nil
}

// Blob answers with a file of a version that the job pins, or a range of it.
func (p *Point) Blob(w http.ResponseWriter, r *http.Request, sha string, pinned []api.JobContent) *api.Error {
	lacking := false
	for _, c := range pinned {
		remote := c.Remote && p.Relay != nil
		m, err := p.Library.Version(c.Manifest)
		if err != nil && remote {
			_, m, err = p.Relay.version(r.Context(), c.Manifest)
		}
		if err != nil {
			lacking = true
			continue
		}
		for i := range m.Files {
			if m.Files[i].SHA256 != sha {
				continue
			}
			if _, here := p.Library.dir.Has(sha); remote && !here {
				return p.Relay.serve(w, r, m.Files[i])
			}
			content.Serve(w, r, m.Files[i], p.Library.dir, p.OnBad)
			return nil
		}
	}
	if lacking {
		return incomplete(w, sha)
	}
	return api.Errorf(api.CodeNotFound, sha, "this job has no such content")
}

func incomplete(w http.ResponseWriter, object string) *api.Error {
	w.Header().Set("Retry-After", "5")
	return api.Errorf(api.CodeUnavailable, object, "the content is not complete at this box; it is being fetched").WithRemedy("ask again")
}
