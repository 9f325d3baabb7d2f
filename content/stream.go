package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// idleLimit is how long a source may send nothing at all.
const idleLimit = time.Minute

// ErrChunk says that a chunk came whole and was not the one of the manifest: waiting for the
// source does not help.
var ErrChunk = errors.New("the bytes of a chunk are not those of the manifest")

// maxBad is after how many wrong chunks in a row a stream is given up.
const maxBad = 4

// stream asks for the chunks [from, to) of a file in one request and calls
// take with each that is verified, in order. A chunk is read into what room
// gives for its length. Wrong chunks are passed over; then the error is ErrChunk. Any other
// error ends the stream: the chunks before it were taken.
func stream(ctx context.Context, src Source, f *File, from, to int, room func(n int64) []byte, take func(i int, data []byte) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(idleLimit, func() { cancel(fmt.Errorf("nothing came for %s", idleLimit)) })
	defer idle.Stop()

	start := f.Chunks[from].Offset
	last := f.Chunks[to-1]
	r, err := src.Range(ctx, f.SHA256, start, last.Offset+last.Length-start)
	if err != nil {
		return because(ctx, err)
	}
	defer r.Close()
	bad := 0
	for i := from; i < to && bad < maxBad; i++ {
		buf := room(f.Chunks[i].Length)
		if err := readFull(r, buf, idle); err != nil {
			return because(ctx, fmt.Errorf("blob %s at %d: %w", f.SHA256, f.Chunks[i].Offset, err))
		}
		if sum(buf) != f.Chunks[i].SHA256 {
			bad++
			err = fmt.Errorf("blob %s: chunk %d at %d: %w", f.SHA256, i, f.Chunks[i].Offset, ErrChunk)
			continue
		}
		bad = 0
		if err := take(i, buf); err != nil {
			return err
		}
	}
	return err
}

// readFull is io.ReadFull that puts off the deadline with each read.
func readFull(r io.Reader, buf []byte, idle *time.Timer) error {
	for at := 0; at < len(buf); {
		n, err := r.Read(buf[at:])
		at += n
		if n > 0 {
			idle.Reset(idleLimit)
		}
		if errors.Is(err, io.EOF) && at < len(buf) {
			return io.ErrUnexpectedEOF
		}
		if err != nil && at < len(buf) {
			return err
		}
	}
	return nil
}

func grow(buf []byte, n int64) []byte {
	if int64(cap(buf)) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

// because prefers the reason of a cancellation to its symptom.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}
