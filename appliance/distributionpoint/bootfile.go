package distributionpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/recent"
	"github.com/bootward/bootward/osd"
)

// LoaderName is the file that BIOS machines load first; it is in every boot
// image and is asked for without an image's ID.
const LoaderName = "undionly.kpxe"

// BootFiles finds the files of the boot images in policy. Its fields are set
// before use and not changed after.
type BootFiles struct {
	Library *Library
	// Images are the boot images in force.
	Images func() []osd.BootImage
	// OnBad is called with the SHA-256 of a file that failed its digest, after
	// it was put into quarantine. It must not block.
	OnBad func(sha string)

	mu       sync.Mutex
	hashing  map[identity]chan struct{}   // each file once: a ward that boots at once asks for the same; closed at its end
	verified recent.Map[identity, string] // file → SHA-256 that it was found to have
}

// identity names the content of a file as far as the file system tells: a
// file that was written to has another one.
type identity struct {
	device, inode uint64
	size          int64
	changed       syscall.Timespec
}

// Open opens a file of a boot image: file name of the manifest, such as
// "uki.efi". IDs are compared without regard to case, because TFTP clients
// change it. An unknown name is fs.ErrNotExist. The file was verified whole
// since it was written last.
func (b *BootFiles) Open(ctx context.Context, image, name string) (f *os.File, sha string, size int64, err error) {
	for _, i := range b.Images() {
		if !strings.EqualFold(i.ID, image) || i.Manifest == "" {
			continue
		}
		m, err := b.Library.Version(i.Manifest)
		if err != nil {
			return nil, "", 0, fmt.Errorf("boot image %s: its content is not complete yet: %w", i.Name, fs.ErrNotExist)
		}
		if entry := m.File(name); entry != nil {
			f, err := b.open(ctx, entry)
			return f, entry.SHA256, entry.Size, err
		}
	}
	return nil, "", 0, fmt.Errorf("boot file %s/%s: %w", image, name, fs.ErrNotExist)
}

// Has says whether a boot image that is here whole holds a file.
func (b *BootFiles) Has(image, name string) bool {
	for _, i := range b.Images() {
		if strings.EqualFold(i.ID, image) && i.Manifest != "" {
			m, err := b.Library.Version(i.Manifest)
			return err == nil && m.File(name) != nil
		}
	}
	return false
}

// OpenLoader opens undionly.kpxe of the first boot image that has it.
func (b *BootFiles) OpenLoader(ctx context.Context) (f *os.File, sha string, size int64, err error) {
	err = fs.ErrNotExist
	for _, i := range b.Images() {
		if f, sha, size, err = b.Open(ctx, i.ID, LoaderName); err == nil {
			return f, sha, size, nil
		}
	}
	return nil, "", 0, fmt.Errorf("boot file %s: %w", LoaderName, err)
}

func (b *BootFiles) open(ctx context.Context, entry *content.File) (*os.File, error) {
	f, err := b.Library.dir.Open(entry.SHA256)
	if err != nil {
		return nil, fmt.Errorf("boot file %s: %w", entry.Path, err)
	}
	if err := b.verify(ctx, f, entry); err != nil {
		f.Close()
		return nil, fmt.Errorf("boot file %s: %w", entry.Path, err)
	}
	return f, nil
}

// verify hashes a file that was not hashed since it was written. One that is
// bad goes into quarantine.
func (b *BootFiles) verify(ctx context.Context, f *os.File, entry *content.File) error {
	id, err := identify(f)
	if err != nil {
		return err
	}
	known, done, err := b.turn(ctx, id)
	if err != nil || known == entry.SHA256 {
		return err
	}
	defer done()
	h := sha256.New()
	n, err := io.Copy(h, &cancellable{ctx, f})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != entry.SHA256 || n != entry.Size {
		bad := fmt.Errorf("%d bytes with SHA-256 %s, want %d with %s: put into quarantine and fetched again", n, got, entry.Size, entry.SHA256)
		err := b.Library.dir.Quarantine(entry.SHA256)
		b.OnBad(entry.SHA256)
		return errors.Join(bad, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verified.Put(id, entry.SHA256, maxVersions)
	return nil
}

// turn is the SHA-256 that a file was found to have. If it was not hashed, that is up to
// the caller, who calls done then; who else asks waits for that.
func (b *BootFiles) turn(ctx context.Context, id identity) (known string, done func(), err error) {
	for {
		b.mu.Lock()
		sha, hashed := b.verified.Get(id)
		other := b.hashing[id]
		if !hashed && other == nil {
			break
		}
		b.mu.Unlock()
		if hashed {
			return sha, nil, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
	defer b.mu.Unlock()
	mine := make(chan struct{})
	if b.hashing == nil {
		b.hashing = map[identity]chan struct{}{}
	}
	b.hashing[id] = mine
	return "", func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.hashing, id)
		close(mine)
	}, nil
}

func identify(f *os.File) (identity, error) {
	info, err := f.Stat()
	if err != nil {
		return identity{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, fmt.Errorf("%s: the system does not tell its inode", f.Name())
	}
	return identity{device: st.Dev, inode: st.Ino, size: st.Size, changed: st.Ctim}, nil
}

// cancellable is a reader that ends with its context.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
