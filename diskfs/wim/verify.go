package wim

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrNoIntegrity says that a WIM has no integrity table, so that nothing but its
// structure can be verified.
var ErrNoIntegrity = errors.New("the WIM has no integrity table; add one with wimlib-imagex optimize --check, or capture with --check")

// maxTable bounds the integrity table that is read, in bytes: enough for a WIM of
// 8 TiB in chunks of 10 MiB.
const maxTable = 16 << 20

// Verify reads the whole WIM and holds it against its integrity table: SHA-1 of
// each chunk (of 10 MiB, as a rule) from the end of the header to the end of the
// table of resources. It returns ErrNoIntegrity if there is no such table, and
// an error that wraps ErrCorrupt and says where, if a chunk is wrong. Structure
// is checked as by Read. Progress, if not nil, gets bytes done and in all.
func Verify(ctx context.Context, r io.ReaderAt, size int64, progress func(done, total int64)) error {
	if _, err := Read(r, size); err != nil {
		return err
	}
	h, err := readHeader(r, size)
	if err != nil {
		return fmt.Errorf("verify WIM: %w", err)
	}
	if h.integrity.size == 0 {
		return fmt.Errorf("verify WIM: %w", ErrNoIntegrity)
	}
	t, err := readIntegrity(r, h)
	if err != nil {
		return fmt.Errorf("verify WIM: integrity table: %w", err)
	}
	if err := t.verify(ctx, r, progress); err != nil {
		return fmt.Errorf("verify WIM: %w", err)
	}
	return nil
}

// integrity is the integrity table: what it covers, in which steps, and sums.
type integrity struct {
	start, end int64
	chunk      int64
	sums       [][]byte
}

func readIntegrity(r io.ReaderAt, h header) (integrity, error) {
	if h.integrity.size > maxTable || h.integrity.flags&resourceCompressed != 0 {
		return integrity{}, fmt.Errorf("%w: %d bytes, flags %#x", ErrCorrupt, h.integrity.size, h.integrity.flags)
	}
	raw := make([]byte, h.integrity.size)
	if _, err := io.ReadFull(io.NewSectionReader(r, int64(h.integrity.offset), int64(h.integrity.size)), raw); err != nil {
		return integrity{}, err
	}
	return parseIntegrity(raw, HeaderSize, int64(h.table.offset+h.table.size))
}

// parseIntegrity reads size, count and chunk size, each 32 bits, and the sums.
func parseIntegrity(raw []byte, start, end int64) (integrity, error) {
	if len(raw) < 12 {
		return integrity{}, fmt.Errorf("%w: it has %d bytes", ErrCorrupt, len(raw))
	}
	le := binary.LittleEndian
	length, count, chunk := le.Uint32(raw), int64(le.Uint32(raw[4:])), int64(le.Uint32(raw[8:]))
	if int64(length) != int64(len(raw)) || int64(len(raw)) != 12+count*sha1.Size || chunk == 0 || end < start {
		return integrity{}, fmt.Errorf("%w: %d bytes for %d chunks of %d", ErrCorrupt, len(raw), count, chunk)
	}
	if want := (end - start + chunk - 1) / chunk; count != want {
		return integrity{}, fmt.Errorf("%w: it lists %d chunks, and the data has %d", ErrCorrupt, count, want)
	}
	t := integrity{start: start, end: end, chunk: chunk}
	for i := range count {
		t.sums = append(t.sums, raw[12+i*sha1.Size:12+(i+1)*sha1.Size])
	}
	return t, nil
}

func (t integrity) verify(ctx context.Context, r io.ReaderAt, progress func(done, total int64)) error {
	buffer := make([]byte, 1<<20)
	for i, want := range t.sums {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at := t.start + int64(i)*t.chunk
		n := min(t.chunk, t.end-at)
		h := sha1.New()
		if copied, err := io.CopyBuffer(h, onlyReader{io.NewSectionReader(r, at, n)}, buffer); err != nil {
			return fmt.Errorf("read at offset %d: %w", at, err)
		} else if copied != n {
			return fmt.Errorf("%w: it ends at offset %d", ErrTruncated, at+copied)
		}
		if !bytes.Equal(h.Sum(nil), want) {
			return fmt.Errorf("%w: bytes %d to %d do not have the SHA-1 of the integrity table", ErrCorrupt, at, at+n-1)
		}
		if progress != nil {
			progress(at+n-t.start, t.end-t.start)
		}
	}
	return nil
}

// onlyReader hides WriteTo, so that CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }
