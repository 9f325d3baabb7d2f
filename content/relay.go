package content

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"os"
	"sort"
)

// FetchManifest is the signed manifest of a version: that of the store, whether
// the version is whole or still fetched, else that of the source. It is believed
// if one of the keys signed it. What came from the source is kept as pending.
func FetchManifest(ctx context.Context, dst *Directory, src Source, digest string, keys []ed25519.PublicKey) ([]byte, *Manifest, error) {
	return fetchManifest(ctx, dst, src, digest, keys)
}

// ServeRemote answers as Serve does for a file that the store does not hold
// whole: chunks that are here, also of a transfer that is under way, come from
// the store, the others from the remote. A byte that was not verified is never
// sent. A chunk that cannot be had is answered with 503, or breaks the
// connection off if the answer had begun.
func ServeRemote(w http.ResponseWriter, r *http.Request, d *Directory, remote *Remote) {
	f := remote.File()
	if s := prepare(w, r, &f); s != nil {
		s.blob = &mixed{ctx: r.Context(), dir: d, remote: remote}
		if s.run(); s.bad != nil {
			s.breakOff("the file cannot be had from the site now")
		}
	}
}

// mixed reads chunks from the store where they are, else from the source.
type mixed struct {
	ctx    context.Context
	dir    *Directory
	remote *Remote
}

// ReadAt implements io.ReaderAt.
func (m *mixed) ReadAt(p []byte, off int64) (int, error) {
	chunks := m.remote.file.Chunks
	i := sort.Search(len(chunks), func(i int) bool { return chunks[i].Offset >= off })
	if i < len(chunks) && chunks[i].Offset == off && chunks[i].Length == int64(len(p)) && m.dir.readChunk(m.remote.file.SHA256, chunks[i], p) {
		return len(p), nil
	}
	return m.remote.ReadAtContext(m.ctx, p, off)
}

// readChunk reads a chunk of a file that is here, in whole or in part, and says
// whether it is the right one.
func (d *Directory) readChunk(sha string, c Chunk, into []byte) bool {
	for _, name := range []string{d.blob(sha), d.partial(sha)} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		_, err = f.ReadAt(into, c.Offset)
		f.Close() // it was only read
		if (err == nil || err == io.EOF) && sum(into) == c.SHA256 {
			return true
		}
	}
	return false
}
