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

// sender is one transfer: it carries out what its window decides.
type sender struct {
	ctx     context.Context
	conn    *net.UDPConn // connected to the client
	terms   terms
	window  window
	blocks  *blocks
	heard   time.Time // when the client last made progress
	resent  int
	in      [516]byte
	probing bool // the OACK is not acknowledged yet
}

func newSender(ctx context.Context, conn *net.UDPConn, content io.ReadSeeker, t terms) *sender {
	return &sender{ctx: ctx, conn: conn, terms: t, window: newWindow(t), blocks: newBlocks(conn, content, t.block)}
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
	x.heard = time.Now()
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
		if _, err := x.conn.Write(oack); err != nil {
			return fmt.Errorf("send option acknowledgement: %w", err)
		}
		err := x.receive(sent.Add(x.window.wait), func(block uint16, now time.Time) bool {
			x.probing = block != 0
			return block == 0
		})
		if err == nil {
			if x.resent == 0 {
				x.window.measure(time.Since(sent))
			}
			return nil
		}
		if err := x.patience(err, "the options"); err != nil {
			return err
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
		wait := x.window.wait
		if x.window.ready() > 0 {
			wait = pause
		}
		err := x.receive(time.Now().Add(wait), x.window.ack)
		if err == nil || wait == pause && errors.Is(err, os.ErrDeadlineExceeded) && x.ctx.Err() == nil {
			continue
		}
		if err := x.patience(err, fmt.Sprintf("block %d", x.window.base)); err != nil {
			return err
		}
		x.window.silent()
	}
	return nil
}

// patience takes an error of receive. It returns nil when the wait was too long only,
// and the client may still be there.
func (x *sender) patience(err error, what string) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) || x.ctx.Err() != nil {
		return err
	}
	if time.Since(x.heard) >= x.window.limit*(maxResends+1) {
		return fmt.Errorf("client does not acknowledge %s", what)
	}
	return nil
}

// receive waits for an ACK that is taken, until the deadline.
func (x *sender) receive(deadline time.Time, take func(block uint16, now time.Time) bool) error {
	if err := x.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	if x.ctx.Err() != nil {
		return x.ctx.Err()
	}
	for {
		n, err := x.conn.Read(x.in[:])
		if err != nil {
			return fmt.Errorf("wait for the client: %w", err)
		}
		if n < 4 {
			continue
		}
		b := x.in[:n]
		switch v := binary.BigEndian.Uint16(b[2:]); binary.BigEndian.Uint16(b) {
		case opAck:
			if now := time.Now(); take(v, now) {
				x.heard = now
				return nil
			}
		case opError:
			return peerError{code: v, message: string(trimZero(b[4:]))}
		}
	}
}

func trimZero(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
