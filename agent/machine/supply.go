package machine

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
)

// What the guide says where a sequence says nothing.
const (
	DownloadRetries = 2
	DownloadDelay   = 15 * time.Second
)

// Supply is the way to the content of a job at its box. It holds the one rule by which images,
// packages, data images and tools are fetched:
//
//   - Where the box cannot be reached, breaks off, or answers with an error that passes, the step
//     waits (wait), says so, and looks for the box at another address: 8 hours without one more chunk.
//   - What came wrong, or could not be written, is tried again as often as Retries says, counted
//     anew with each byte that had not come before.
//   - What the box refuses for good, a volume that is full, a manifest that contradicts itself, and a signature that is
//     not the site's end the step.
type Supply struct {
	Source  content.Source
	Content []api.JobContent
	// Keys are those that sign manifests.
	Keys []ed25519.PublicKey
	// Retries, if given, says how often what came wrong is fetched again, and how long to wait
	// before each time: SMSTSDownloadRetryCount, SMSTSDownloadRetryDelay.
	Retries func() (count int, delay time.Duration, err error)
	// Say shows a line.
	Say func(string)
	// Search looks for the box where else it could be by now; it may be nil.
	Search func(ctx context.Context)

	away away
}

// manifest fetches a signed manifest.
func (m *Supply) manifest(ctx context.Context, digest string) (*content.Manifest, error) {
	envelope, err := watched{m}.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	return content.OpenManifest(envelope, digest, m.Keys)
}

// remoteFile opens a file to be read piece by piece; the caller closes it.
func (m *Supply) remoteFile(ctx context.Context, f content.File, cacheMiB int) (*content.Remote, error) {
	return content.OpenRemote(ctx, watched{m}, f, content.RemoteOptions{CacheMiB: cacheMiB, Wait: m.wait, Wrong: m.wrong})
}

// wrong waits before what came wrong for the nth time is fetched again, or gives up.
func (m *Supply) wrong(ctx context.Context, n int, reason error) error {
	count, delay := DownloadRetries, DownloadDelay
	if m.Retries != nil {
		var err error
		if count, delay, err = m.Retries(); err != nil {
			return errors.Join(err, reason)
		}
	}
	if n > count {
		return fmt.Errorf("given up after %d tries (SMSTSDownloadRetryCount): %w", n, reason)
	}
	m.Say(fmt.Sprintf("what was fetched is wrong; fetching it again in %s: %v", delay, reason))
	if !supervisor.Sleep(ctx, delay) {
		return fmt.Errorf("%w; %w", context.Cause(ctx), reason)
	}
	return nil
}

// fetch brings a file into a store. It goes on where a try ended. progress is told how much of it
// is there, whenever that has grown.
func (m *Supply) fetch(ctx context.Context, store *content.Directory, f content.File, progress func(done int64)) error {
	most, wrong, since := int64(0), 0, time.Time{}
	for {
		got := int64(0)
		err := content.Fetch(ctx, store, watched{m}, f, func(n int64) {
			if got += n; got > most {
				most, wrong, since = got, 0, time.Time{}
				progress(most)
			}
		})
		var full *content.SpaceError
		if since.IsZero() {
			since = time.Now()
		}
		switch {
		case err == nil, errors.As(err, &full), errors.Is(err, content.ErrManifest), api.Final(err), ctx.Err() != nil:
			return err
		case errors.Is(err, content.ErrChunk), ours(err):
			wrong++
			err = m.wrong(ctx, wrong, err)
		default:
			err = m.waitFor(ctx, f, since, err)
		}
		if err != nil {
			return err
		}
	}
}

// ours says that a file could not be written or moved here.
func ours(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link)
}

// waitFor waits until the box gives the beginning of a file. Each new try of the file itself
// would verify again all that is there.
func (m *Supply) waitFor(ctx context.Context, f content.File, since time.Time, reason error) error {
	for reason != nil && !api.Final(reason) {
		if err := m.wait(ctx, since, reason); err != nil {
			return err
		}
		reason = m.probe(ctx, f)
	}
	return reason
}

func (m *Supply) probe(ctx context.Context, f content.File) error {
	if len(f.Chunks) == 0 {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := watched{m}.Range(short, f.SHA256, 0, f.Chunks[0].Length)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, make([]byte, 1))
	return errors.Join(err, r.Close())
}
