package distributionpoint

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
)

// The bounds of a relay.
const (
	relayFiles    = 4 // open at once
	relayVersions = 16
	relayCacheMiB = 16
	relayIdle     = 2 * time.Minute // until a file is closed that nobody reads
)

// Relay passes content on that is not whole at this box: what a job asks for is
// fetched from the site, verified chunk by chunk, and sent. It stores nothing:
// the copy of this box is fetched beside it. NewRelay makes one; its methods may
// be called by several goroutines at once.
type Relay struct {
	dir    *content.Directory
	source Source

	mu       sync.Mutex
	files    map[string]*relayed       // by SHA-256
	versions map[string]relayedVersion // by digest
}

type relayedVersion struct {
	envelope []byte
	manifest *content.Manifest
}

// Source is the site and the keys that sign its manifests; ok is false while
// there is no line to it.
type Source func() (src content.Source, keys []ed25519.PublicKey, ok bool)

// relayed is a file that is open at the site.
type relayed struct {
	remote *content.Remote
	users  int
	used   time.Time
	idle   *time.Timer
}

// NewRelay makes a relay from a source, beside the store of the box.
func NewRelay(dir *content.Directory, source Source) *Relay {
	return &Relay{dir: dir, source: source, files: map[string]*relayed{}, versions: map[string]relayedVersion{}}
}

// Close ends every transfer.
func (r *Relay) Close() error {
	r.mu.Lock()
	files := r.files
	r.files = map[string]*relayed{}
	r.mu.Unlock()
	for _, f := range files {
		f.idle.Stop()
		_ = f.remote.Close() // it only waits
	}
	return nil
}

// version is the manifest of content that is not visible here yet.
func (r *Relay) version(ctx context.Context, digest string) ([]byte, *content.Manifest, error) {
	r.mu.Lock()
	v, known := r.versions[digest]
	r.mu.Unlock()
	if known {
		return v.envelope, v.manifest, nil
	}
	src, keys, ok := r.source()
	if !ok {
		return nil, nil, api.Errorf(api.CodeUnavailable, digest, "the line to the site is down")
	}
	envelope, m, err := content.FetchManifest(ctx, r.dir, src, digest, keys)
	if err != nil {
		return nil, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.versions) >= relayVersions {
		clear(r.versions)
	}
	r.versions[digest] = relayedVersion{envelope, m}
	return envelope, m, nil
}

// serve sends a file, or a range of it.
func (r *Relay) serve(w http.ResponseWriter, q *http.Request, f content.File) *api.Error {
	one, why := r.open(f)
	if one == nil {
		w.Header().Set("Retry-After", "5")
		return api.Errorf(api.CodeUnavailable, f.SHA256, "%s", why).WithRemedy("ask again")
	}
	defer r.release(one)
	content.ServeRemote(w, q, r.dir, one.remote)
	return nil
}

// open gives the reader of a file, or says why there is none.
func (r *Relay) open(f content.File) (*relayed, string) {
	src, _, ok := r.source()
	if !ok {
		return nil, "the content is not complete at this box, and the line to the site is down"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.files[f.SHA256]
	if one == nil {
		if len(r.files) >= relayFiles && !r.evict() {
			return nil, "the box passes on too much at once"
		}
		remote, err := content.OpenRemote(context.Background(), src, f, content.RemoteOptions{CacheMiB: relayCacheMiB})
		if err != nil {
			return nil, err.Error()
		}
		one = &relayed{remote: remote}
		one.idle = time.AfterFunc(relayIdle, func() { r.expire(f.SHA256, one) })
		r.files[f.SHA256] = one
	}
	one.users++
	return one, ""
}

func (r *Relay) release(one *relayed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.users--
	one.used = time.Now()
	one.idle.Reset(relayIdle)
}

// evict closes the file that nobody has read for longest; false if all are read
// now. The lock is held.
func (r *Relay) evict() bool {
	oldest := ""
	for sha, f := range r.files {
		if f.users == 0 && (oldest == "" || f.used.Before(r.files[oldest].used)) {
			oldest = sha
		}
	}
	if oldest == "" {
		return false
	}
	one := r.files[oldest]
	delete(r.files, oldest)
	one.idle.Stop()
	go one.remote.Close() // it waits for what is under way
	return true
}

// expire closes a file that nobody reads any more.
func (r *Relay) expire(sha string, one *relayed) {
	r.mu.Lock()
	if one.users > 0 {
		one.idle.Reset(relayIdle)
		r.mu.Unlock()
		return
	}
	if r.files[sha] == one {
		delete(r.files, sha)
	}
	r.mu.Unlock()
	_ = one.remote.Close() // it only waits
}
