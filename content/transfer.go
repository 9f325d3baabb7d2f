package content

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// transfer is one Fetch at work.
type transfer struct {
	dst      *Directory
	src      Source
	file     *File
	progress func(n int64)

	partial *os.File
	have    []bool // of each chunk, verified
	lack    int
	// whole has hashed the first `hashed` chunks: those that come in order
	// are not read again at the end.
	whole  hash.Hash
	hashed int
}

func (t *transfer) run(ctx context.Context) error {
	f, err := os.OpenFile(t.dst.partial(t.file.SHA256), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	t.partial = f
	defer f.Close()
	if err := t.resume(ctx); err != nil {
		return err
	}
	if err := t.dst.room(t.file.Size - t.dst.partialBytes(t.file.SHA256)); err != nil {
		return err
	}
	for tries := 0; t.lack > 0; {
		before := t.lack
		err := t.pass(ctx)
		if t.lack == 0 {
			break
		}
		if ctx.Err() != nil || final(err) {
			return errors.Join(ctx.Err(), err)
		}
		if tries++; t.lack < before {
			tries = 0
		}
		if tries == maxTries {
			return fmt.Errorf("given up after %d tries without progress: %w", tries, err)
		}
		if err := pause(ctx, tries+1); err != nil {
			return err
		}
	}
	if err := t.checkWhole(); err != nil {
		return err
	}
	return t.dst.publish(f, t.file.SHA256)
}

// resume verifies what is there. Bytes that cannot be read count as lacking.
func (t *transfer) resume(ctx context.Context) error {
	info, err := t.partial.Stat()
	if err != nil {
		return err
	}
	// A quarantined blob was read-only.
	if err := errors.Join(t.partial.Chmod(0o644), t.partial.Truncate(min(info.Size(), t.file.Size))); err != nil {
		return err
	}
	t.have = make([]bool, len(t.file.Chunks))
	t.lack = len(t.have)
	var buf []byte
	for i, c := range t.file.Chunks {
		if c.Offset+c.Length > info.Size() || ctx.Err() != nil {
			break
		}
		buf = grow(buf, c.Length)
		if _, err := t.partial.ReadAt(buf, c.Offset); err == nil && sum(buf) == c.SHA256 {
			t.done(i, buf)
		}
	}
	return ctx.Err()
}

// pass asks once for each run of chunks that lack.
func (t *transfer) pass(ctx context.Context) error {
	var bad error
	var buf []byte
	room := func(n int64) []byte { buf = grow(buf, n); return buf }
	for from := 0; from < len(t.have); from++ {
		if t.have[from] {
			continue
		}
		to := from + 1
		for to < len(t.have) && !t.have[to] {
			to++
		}
		err := stream(ctx, t.src, t.file, from, to, room, func(i int, data []byte) error {
			if _, err := t.partial.WriteAt(data, t.file.Chunks[i].Offset); err != nil {
				return t.dst.explainSpace(err, t.file.Size-t.file.Chunks[i].Offset)
			}
			t.done(i, data)
			return nil
		})
		if err != nil && !errors.Is(err, ErrChunk) {
			return err
		}
		if bad == nil {
			bad = err
		}
		from = to
	}
	return bad
}

func (t *transfer) done(i int, data []byte) {
	t.have[i] = true
	t.lack--
	if i == t.hashed {
		t.whole.Write(data)
		t.hashed++
	}
	report(t.progress, int64(len(data)))
}

// ErrManifest says that a manifest contradicts itself: to fetch its file again does not help.
var ErrManifest = errors.New("the manifest is wrong; import the package again")

// checkWhole compares the digest of the file. Since each chunk is good, a
// difference means that the manifest contradicts itself.
func (t *transfer) checkWhole() error {
	var at int64
	if t.hashed > 0 {
		at = t.file.Chunks[t.hashed-1].Offset + t.file.Chunks[t.hashed-1].Length
	}
	if _, err := io.Copy(t.whole, io.NewSectionReader(t.partial, at, t.file.Size-at)); err != nil {
		return fmt.Errorf("read it again: %w", err)
	}
	if got := hex.EncodeToString(t.whole.Sum(nil)); got != t.file.SHA256 {
		err := os.Remove(t.partial.Name())
		return errors.Join(fmt.Errorf("all chunks are good but the file has sha256 %s: %w", got, ErrManifest), err)
	}
	return nil
}
