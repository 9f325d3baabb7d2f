package content

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"
)

// RemoteOptions tune a Remote; zero means the default.
type RemoteOptions struct {
	// CacheMiB bounds the verified chunks in memory, those on their way
	// among them: at least 4, 64 if zero.
	CacheMiB int
	// ReadAheadKiB is how much is asked for at once and ahead of a reader
	// that reads in order: 4096 if zero, at most a quarter of the cache.
	ReadAheadKiB int
	// Tries is how often a chunk is asked for before a read fails, with pauses
	// that grow to five seconds: 30 if zero, about two and a half minutes, in
	// which a box restarts or heals the file. A chunk that comes wrong counts
	// as five tries.
	Tries int
	// Wait, if not nil, is called in place of a pause and of counting when the source
	// could not be reached, or failed in a way that may pass: another try follows when it
	// returns nil. since is when that began, without one more chunk that was good. It is called from
	// several goroutines. Wrong chunks still count.
	Wait func(ctx context.Context, since time.Time, err error) error
	// Wrong, if not nil, is called in place of a pause and of counting when a chunk came wrong,
	// for the nth time without one more that was good: as Wait.
	Wrong func(ctx context.Context, n int, err error) error
}

// Remote is a file at a source, read piece by piece: an io.ReaderAt over
// verified chunks. A byte that was not verified is never handed out. It may
// be used by several goroutines at once; a chunk that two want is fetched once.
type Remote struct {
	src   Source
	file  File
	tries int
	wait  func(ctx context.Context, since time.Time, err error) error
	wrong func(ctx context.Context, n int, err error) error
	cache int64 // bytes
	ahead int64 // bytes
	ctx   context.Context
	stop  context.CancelFunc
	work  sync.WaitGroup

	mu      sync.Mutex
	chunks  map[int]*cached
	recent  *list.List // of *cached that are there, the newest first
	held    int64      // bytes of all in chunks
	pending int64      // bytes of those on their way
	next    int        // the chunk after the furthest that was read in order
	inOrder int        // how many chunks were read in order
	last    error      // why the last read failed
	closed  bool
}

// cached is a chunk that is there, or on its way.
type cached struct {
	index int
	ready chan struct{} // closed when data or err is set
	data  []byte
	err   error
	place *list.Element
}

// errAgain says that a chunk was not asked for after all.
var errAgain = errors.New("asked for in vain")

// OpenRemote makes a reader of a file of a manifest that the caller believes.
// Nothing is asked for before the first read. When ctx ends, reads fail.
func OpenRemote(ctx context.Context, src Source, f File, opts RemoteOptions) (*Remote, error) {
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("open %q of content: %w", f.Path, err)
	}
	r := &Remote{src: src, file: f, tries: cmp.Or(opts.Tries, 30), wait: opts.Wait, wrong: opts.Wrong, chunks: map[int]*cached{}, recent: list.New()}
	r.cache = max(int64(cmp.Or(opts.CacheMiB, 64)), 4) << 20
	r.ahead = min(int64(cmp.Or(opts.ReadAheadKiB, 4096))<<10, r.cache/4)
	r.ctx, r.stop = context.WithCancel(ctx)
	return r, nil
}

// Size is that of the file in bytes.
func (r *Remote) Size() int64 { return r.file.Size }

// File is the entry of the manifest.
func (r *Remote) File() File { return r.file }

// LastError is why the last chunk that failed did, for those who see only
// that a read failed (EIO). It is nil while all is well.
func (r *Remote) LastError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Close ends what is being fetched and waits for it.
func (r *Remote) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.work.Wait()
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *Remote) ReadAt(p []byte, off int64) (int, error) {
	return r.ReadAtContext(r.ctx, p, off)
}

// ReadAtContext is ReadAt that gives up when ctx ends.
func (r *Remote) ReadAtContext(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %q at %d: negative offset", r.file.Path, off)
	}
	n := 0
	for n < len(p) && off+int64(n) < r.file.Size {
		at := off + int64(n)
		i := sort.Search(len(r.file.Chunks), func(i int) bool {
			return r.file.Chunks[i].Offset+r.file.Chunks[i].Length > at
		})
		data, err := r.chunk(ctx, i)
		if err != nil {
			return n, fmt.Errorf("read %q at %d: %w", r.file.Path, at, err)
		}
		n += copy(p[n:], data[at-r.file.Chunks[i].Offset:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// chunk gives a verified chunk from the cache or the source.
func (r *Remote) chunk(ctx context.Context, i int) ([]byte, error) {
	for {
		c := r.want(i)
		select {
		case <-c.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		}
		if !errors.Is(c.err, errAgain) {
			return c.data, c.err
		}
	}
}
