package tftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Waits for an ACK. RFC 1350 leaves them open. Each is twice the one before, as there are
// clients whose own time-out begins anew with every packet, wanted or not (atftp).
const (
	resendAfter = time.Second // less doubles the load when thousands ask at once
	longestWait = 8 * time.Second
	maxSilences = 4   // in a row: then the client is gone, 15 s after it was last heard
	maxLacks    = 256 // in a row that a client says it lacks one block: it does not want it
)

// sender is one transfer: it carries out what its window decides.
type sender struct {
	ctx     context.Context
	conn    line
	terms   terms
	window  window
	blocks  *blocks
	wait    time.Duration // for an ACK, at first
	silent  int           // waits in a row in which the client was not heard
	lacks   int           // ACKs in a row that something is missing, with no block more than before
	resent  int
	in      [516]byte
	probing bool // the OACK is not acknowledged yet
}

func newSender(ctx context.Context, conn line, content io.ReadSeeker, t terms) *sender {
	x := &sender{ctx: ctx, conn: conn, terms: t, window: newWindow(t.window), blocks: newBlocks(conn, content, t.block), wait: resendAfter}
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
	err := x.conn.patience(x.wait)
	if err == nil {
		err = x.options()
	}
	if err == nil {
		err = x.data()
	}
	var peer peerError
	if err != nil && !errors.As(err, &peer) {
		x.blocks.segment(0) // or this packet is refused where blocks would have been
		x.conn.Write(appendError(nil, codeUndefined, "transfer given up"))
	}
	return err
}

// acked is the number of bytes that the client has.
func (x *sender) acked() int64 {
	if x.window.done() {
		return x.blocks.bytes
	}
	return int64(x.window.base-1) * int64(x.terms.block)
}

// options sends the OACK until it is acknowledged as block 0.
func (x *sender) options() error {
	if len(x.terms.oack) == 0 {
		return nil
	}
	x.probing = true
	oack := appendOACK(nil, x.terms.oack)
	for {
		sent := time.Now()
		if _, err := x.conn.Write(oack); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("send option acknowledgement: %w", err)
		}
		heard, err := x.listen(func(block uint16, _ time.Time) bool { return block == 0 })
		if err != nil {
			return err
		}
		if heard {
			x.probing = false
			x.window.measure(time.Since(sent))
			return nil
		}
		x.resent++
	}
}

// data sends the blocks, burst by burst, and listens after each.
func (x *sender) data() error {
	for !x.window.done() {
		if n := x.window.ready(); n > 0 {
			sent, final, err := x.blocks.send(x.window.next, n)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("send block %d: %w", x.window.next, err)
			}
			x.resent += x.window.sent(sent, final, time.Now())
		}
		if x.window.ready() > 0 {
			if _, err := x.receive(pause, x.window.ack); err != nil {
				return err
			}
			continue
		}
		heard, err := x.listen(x.window.ack)
		if err != nil {
			return err
		}
		if !heard {
			x.window.lost()
		}
	}
	return nil
}

// listen waits for an ACK as long as the client has earned. It fails when that was silent
// too often.
func (x *sender) listen(take func(uint16, time.Time) bool) (heard bool, err error) {
	wait := max(x.wait, min(x.wait<<x.silent, longestWait))
	heard, err = x.receive(wait, take)
	if heard || err != nil {
		return heard, err
	}
	if x.silent++; x.silent < maxSilences {
		return false, nil
	}
	if x.probing {
		return false, errors.New("client does not acknowledge the options")
	}
	return false, fmt.Errorf("client does not acknowledge block %d", x.window.base)
}

// receive waits for an ACK that is taken. Without one in time it returns false.
func (x *sender) receive(wait time.Duration, take func(uint16, time.Time) bool) (heard bool, err error) {
	until := time.Now().Add(wait)
	for ; wait > 0 && x.ctx.Err() == nil; wait = time.Until(until) {
		n, err := x.conn.receive(x.in[:], wait)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, x.ctx.Err()
		case err != nil:
			return false, fmt.Errorf("wait for the client: %w", err)
		case n < 4:
			continue
		}
		b := x.in[:n]
		switch v := binary.BigEndian.Uint16(b[2:]); binary.BigEndian.Uint16(b) {
		case opAck:
			if had := x.window.base; take(v, time.Now()) {
				x.silent = 0
				return true, x.progress(had)
			}
		case opError:
			return false, peerError{code: v, message: string(trimZero(b[4:]))}
		}
	}
	return false, x.ctx.Err()
}

// progress fails when a client that had blocks before had asks for the next one without
// end: it would be sent that for ever.
func (x *sender) progress(had uint64) error {
	if x.lacks++; x.window.base != had {
		x.lacks = 0
	}
	if x.lacks >= maxLacks {
		return fmt.Errorf("client said %d times that it lacks block %d", x.lacks, had)
	}
	return nil
}

func trimZero(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
