package tftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// sender is one transfer with options. It keeps the packets of the current window, so
// that a resend reads nothing again.
type sender struct {
	ctx     context.Context
	conn    *net.UDPConn // connected to the client
	terms   terms
	content io.Reader
	wait    time.Duration

	queue   [][]byte // packets sent and not acknowledged, oldest first
	spare   [][]byte // buffers to be used again
	base    uint64   // number of the oldest packet in queue; block 1 is the first
	last    uint64   // number of the final block, 0 while unknown
	acked   int64    // bytes
	resent  int
	hinted  uint64 // value of base for which a repeated ACK was already heeded
	in      []byte
	probing bool // the OACK is not acknowledged yet
}

func newSender(ctx context.Context, conn *net.UDPConn, content io.Reader, t terms) *sender {
	x := &sender{ctx: ctx, conn: conn, content: content, terms: t, in: make([]byte, 516), base: 1, wait: resendAfter}
	if t.timeout > 0 {
		x.wait = time.Duration(t.timeout) * time.Second
	}
	return x
}

// peerError is an ERROR packet from the client.
type peerError struct {
	code    uint16
	message string
}

func (e peerError) Error() string {
	return fmt.Sprintf("client gave up: code %d: %q", e.code, e.message)
}

// run sends everything. On an error of ours the client is told.
func (x *sender) run() error {
	err := x.options()
	if err == nil {
		err = x.data()
	}
	var peer peerError
	if err != nil && !errors.As(err, &peer) {
		x.conn.SetDeadline(time.Time{})
		x.conn.Write(appendError(nil, codeUndefined, "transfer given up"))
	}
	return err
}

// options sends the OACK until it is acknowledged as block 0.
func (x *sender) options() error {
	if len(x.terms.oack) == 0 {
		return nil
	}
	x.probing = true
	oack := appendOACK(nil, x.terms.oack)
	for try := 0; ; try++ {
		if _, err := x.conn.Write(oack); err != nil {
			return fmt.Errorf("send option acknowledgement: %w", err)
		}
		block, err := x.receive(func(block uint16) bool { return block == 0 })
		switch {
		case err == nil && block == 0:
			x.probing = false
			return nil
		case !errors.Is(err, os.ErrDeadlineExceeded) || x.ctx.Err() != nil:
			return err
		case try == maxResends:
			return errors.New("client does not acknowledge the options")
		}
		x.resent++
	}
}

// data sends the blocks window by window (RFC 7440 section 4).
func (x *sender) data() error {
	tries := 0
	for {
		if err := x.fill(); err != nil {
			return err
		}
		if len(x.queue) == 0 {
			return nil
		}
		for _, p := range x.queue {
			if _, err := x.conn.Write(p); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("send block: %w", err)
			}
		}
		block, err := x.receive(x.progresses)
		switch {
		case err == nil:
			tries = 0
			x.advance(block)
		case !errors.Is(err, os.ErrDeadlineExceeded) || x.ctx.Err() != nil:
			return err
		default:
			if tries++; tries > maxResends {
				return fmt.Errorf("client does not acknowledge block %d", x.base)
			}
			x.resent += len(x.queue)
		}
	}
}

// progresses reports whether an ACK asks for anything: it names a packet of the
// window, or, with windows, it repeats the block before it, which is how a client
// says that the window's first packet was lost (RFC 7440 section 4). The latter is
// heeded once: resending at each doubled ACK would double every packet from then
// on (RFC 1123 section 4.2.3.1).
func (x *sender) progresses(block uint16) bool {
	if x.terms.window > 1 && block == uint16(x.base-1) && x.hinted != x.base {
		x.hinted = x.base
		return true
	}
	d := uint64(block - uint16(x.base))
	return d < uint64(len(x.queue))
}

// advance drops acknowledged packets from the window. What was sent after a block in
// its middle goes out again with the next round.
func (x *sender) advance(block uint16) {
	n := int(block - uint16(x.base-1)) // 0 for a repeated ACK
	for _, p := range x.queue[:n] {
		x.acked += int64(len(p) - 4)
		x.spare = append(x.spare, p[:0])
	}
	x.resent += len(x.queue) - n
	x.base += uint64(n)
	x.queue = append(x.queue[:0], x.queue[n:]...)
}

// fill reads blocks until the window is full or the final, short block is in it.
func (x *sender) fill() error {
	for len(x.queue) < x.terms.window && x.last == 0 {
		number := x.base + uint64(len(x.queue))
		var p []byte
		if n := len(x.spare); n > 0 {
			p, x.spare = x.spare[n-1], x.spare[:n-1]
		} else {
			p = make([]byte, 0, 4+x.terms.block)
		}
		p = p[:4+x.terms.block]
		binary.BigEndian.PutUint16(p, opData)
		binary.BigEndian.PutUint16(p[2:], uint16(number)) // rolls over to 0, as firmware expects
		n, err := io.ReadFull(x.content, p[4:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return fmt.Errorf("read content at block %d: %w", number, err)
		}
		if n < x.terms.block {
			x.last = number
		}
		x.queue = append(x.queue, p[:4+n])
	}
	return nil
}

// receive waits for an ACK that is wanted, at most the resend time.
func (x *sender) receive(wanted func(block uint16) bool) (uint16, error) {
	if err := x.conn.SetReadDeadline(time.Now().Add(x.wait)); err != nil {
		return 0, err
	}
	if x.ctx.Err() != nil {
		return 0, x.ctx.Err()
	}
	for {
		n, err := x.conn.Read(x.in)
		if err != nil {
			return 0, fmt.Errorf("wait for the client: %w", err)
		}
		if n < 4 {
			continue
		}
		b := x.in[:n]
		switch v := binary.BigEndian.Uint16(b[2:]); binary.BigEndian.Uint16(b) {
		case opAck:
			if wanted(v) {
				return v, nil
			}
		case opError:
			return 0, peerError{code: v, message: string(trimZero(b[4:]))}
		}
	}
}

func trimZero(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
