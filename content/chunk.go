package content

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
)

// Chunks are cut where the content says so, by FastCDC with normalisation
// (Xia et al., USENIX ATC 2016, algorithm 1), so that an insertion moves the
// cuts only near itself. Where cuts fall is no promise to the reader of a
// manifest: any cover of the file is good. It is the same for all programs of
// one release, so that equal files give equal manifests.
const (
	chunkMin    = 16 << 10
	chunkNormal = 64 << 10
	chunkMax    = 256 << 10
	// The hash shifts left, so its high bits know the last 64 bytes. A cut
	// needs 18 zeros before chunkNormal and 14 from there on.
	maskSmall = uint64(1<<18-1) << 46
	maskLarge = uint64(1<<14-1) << 50
)

// chunker cuts a stream.
type chunker struct {
	r     io.Reader
	gear  *[256]uint64
	buf   []byte
	start int
	end   int
	eof   bool
}

func newChunker(r io.Reader) *chunker {
	return &chunker{r: r, gear: newGear(), buf: make([]byte, 8*chunkMax)}
}

// next returns the next chunk, valid until the next call, or io.EOF.
func (c *chunker) next() ([]byte, error) {
	if c.end-c.start < chunkMax && !c.eof {
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
		n, err := io.ReadFull(c.r, c.buf[c.end:])
		c.end += n
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			c.eof = true
		} else if err != nil {
			return nil, err
		}
	}
	if c.start == c.end {
		return nil, io.EOF
	}
	chunk := c.buf[c.start:c.end]
	chunk = chunk[:cut(chunk, c.gear)]
	c.start += len(chunk)
	return chunk, nil
}

// cut says how long the first chunk of data is. Data holds at least chunkMax
// bytes unless the stream ends with it.
func cut(data []byte, gear *[256]uint64) int {
	if len(data) <= chunkMin {
		return len(data)
	}
	data = data[:min(len(data), chunkMax)]
	normal := min(len(data), chunkNormal)
	var h uint64
	i := chunkMin
	for ; i < normal; i++ {
		if h = h<<1 + gear[data[i]]; h&maskSmall == 0 {
			return i + 1
		}
	}
	for ; i < len(data); i++ {
		if h = h<<1 + gear[data[i]]; h&maskLarge == 0 {
			return i + 1
		}
	}
	return i
}

// newGear is the table of random numbers: the first eight bytes, big endian,
// of SHA-256 of "bootward gear" and the byte.
func newGear() *[256]uint64 {
	var t [256]uint64
	for i := range t {
		sum := sha256.Sum256(append([]byte("bootward gear"), byte(i)))
		t[i] = binary.BigEndian.Uint64(sum[:])
	}
	return &t
}
