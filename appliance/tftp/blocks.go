package tftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	header       = 4
	maxDatagram  = 65507 // UDP over IPv4
	maxSegments  = 64    // UDP_MAX_SEGMENTS of Linux before 6.10
	minSegmented = 512   // answers without data are shorter and must stay whole
)

// slabs hold the packets of one write. A transfer keeps none while it waits: thousands
// of clients cost no memory for blocks; what is lost is read again.
var slabs = sync.Pool{New: func() any { b := make([]byte, maxDatagram); return &b }}

// blocks reads content and sends it as DATA packets. Several leave in one write, which
// the kernel or the network card cuts (UDP_SEGMENT, see udp(7)).
type blocks struct {
	conn    line
	content io.ReadSeeker
	size    int    // bytes of a block
	at      uint64 // the block that content stands at
	begun   bool   // something was sent
	cut     bool   // the kernel cuts
	bytes   int64  // of the content, known with its final block
}

func newBlocks(conn line, content io.ReadSeeker, size int) *blocks {
	return &blocks{conn: conn, content: content, size: size, at: 1}
}

// begin has the kernel cut from now on. Not before the first block: over a card that computes
// no checksums Linux 6.1 then refuses packets that need no cutting as well, such as the OACK.
func (b *blocks) begin() {
	if !b.begun {
		b.begun = true
		b.cut = b.size >= minSegmented && b.segment(header+b.size) == nil
	}
}

// segment has the kernel cut writes after each n bytes, 0: never.
func (b *blocks) segment(n int) error {
	return control(b.conn, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, n) })
}

// most is the number of blocks that fit one write.
func (b *blocks) most() int { return min(maxSegments, maxDatagram/(header+b.size)) }

// send sends up to n blocks from first on. It returns how many those were, and whether
// the content ended with the last of them.
func (b *blocks) send(first uint64, n int) (sent int, final bool, err error) {
	b.begin()
	slab := slabs.Get().(*[]byte)
	defer slabs.Put(slab)
	for sent < n && !final && err == nil {
		var packets []byte
		packets, final, err = b.pack(*slab, first+uint64(sent), min(n-sent, b.most()))
		if err == nil {
			err = b.write(packets)
		}
		sent += (len(packets) + header + b.size - 1) / (header + b.size)
	}
	return sent, final, err
}

// pack fills the slab with n packets. The content is read in one go to the slab's end,
// and each block then moved forward to stand behind its header.
func (b *blocks) pack(slab []byte, first uint64, n int) (packets []byte, final bool, err error) {
	if b.at != first {
		if _, err := b.content.Seek(int64(first-1)*int64(b.size), io.SeekStart); err != nil {
			return nil, false, fmt.Errorf("go back to block %d of the content: %w", first, err)
		}
		b.at = first
	}
	data := slab[n*header : n*(header+b.size)]
	got, err := io.ReadFull(b.content, data)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, false, fmt.Errorf("read content at block %d: %w", first, err)
	}
	if final = got < len(data); final {
		n = got/b.size + 1
		b.bytes = int64(first-1)*int64(b.size) + int64(got)
	}
	packets = slab[:0]
	for i := range n {
		packets = binary.BigEndian.AppendUint16(packets, opData)
		packets = binary.BigEndian.AppendUint16(packets, uint16(first+uint64(i))) // rolls over to 0, as firmware expects
		packets = append(packets, data[i*b.size:min((i+1)*b.size, got)]...)
	}
	b.at += uint64(n)
	return packets, final, nil
}

// write sends packets, all of one length but for the last. A network card that cannot
// compute checksums, and some tunnels, refuse to cut; they get one by one.
func (b *blocks) write(packets []byte) error {
	if b.cut || len(packets) <= header+b.size {
		_, err := b.conn.Write(packets)
		if !b.cut || !refusesToCut(err) {
			return err
		}
		b.cut = false
		if err := b.segment(0); err != nil {
			return err
		}
	}
	for len(packets) > 0 {
		n := min(header+b.size, len(packets))
		if _, err := b.conn.Write(packets[:n]); err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

func refusesToCut(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOPROTOOPT) || errors.Is(err, syscall.EOPNOTSUPP)
}
