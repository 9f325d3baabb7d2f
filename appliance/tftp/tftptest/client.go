// Package tftptest is a TFTP client with windows (RFC 7440) that counts what it sees. Tests
// and benchmarks use it; it can play a slow link by waiting before each ACK. It is a strict
// client: it acknowledges after the agreed number of blocks, once for each gap, and when
// nothing came for a while.
package tftptest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Op codes (RFC 1350 section 5, RFC 2347).
const (
	opRead = iota + 1
	_
	opData
	opAck
	opError
	opOACK
)

// Client is how files are fetched. Only Server must be set.
type Client struct {
	Server  netip.AddrPort
	Local   netip.Addr    // the address to ask from
	Block   int           // blksize to ask for, 0: not at all
	Window  int           // windowsize to ask for, 0: not at all
	Delay   time.Duration // waited before each ACK
	Timeout time.Duration // until the last packet is sent again, 0: 1 s
	Tries   int           // waits in a row without a packet that end a transfer, 0: 10
	Limit   time.Duration // leave after this long, 0: stay to the end
	Into    io.Writer     // where the content goes; may be nil
}

// Result is what was seen of a transfer.
type Result struct {
	Bytes         int64
	Block, Window int // as agreed
	Duration      time.Duration
	Waited        time.Duration // the sum of all delays
	Acks          int
	Resent        int // packets of ours that went out again because nothing came
	Doubled       int // blocks that came again or out of order
}

type fetch struct {
	Client
	Result
	conn  *net.UDPConn
	buf   []byte
	want  uint64 // the block that comes next
	since int    // blocks taken since the last ACK
	gap   uint64 // value of want for which a gap was told
}

// Fetch gets a file by its name.
func (c Client) Fetch(ctx context.Context, name string) (Result, error) {
	if c.Timeout <= 0 {
		c.Timeout = time.Second
	}
	if c.Tries <= 0 {
		c.Tries = 10
	}
	var lc net.ListenConfig
	local := ""
	if c.Local.IsValid() {
		local = c.Local.String()
	}
	conn, err := lc.ListenPacket(ctx, "udp4", local+":0")
	if err != nil {
		return Result{}, fmt.Errorf("open a port: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	f := &fetch{Client: c, conn: conn.(*net.UDPConn), buf: make([]byte, max(c.Block, 1500)+4), want: 1}
	f.Result.Block, f.Result.Window = 512, 1
	f.conn.SetReadBuffer(1 << 20)
	if c.Delay > 0 {
		runtime.LockOSThread()
		unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		defer runtime.UnlockOSThread()
	}
	start := time.Now()
	err = f.run(name, start)
	f.Duration = time.Since(start)
	if err != nil {
		return f.Result, fmt.Errorf("fetch %s after %d bytes: %w", name, f.Bytes, err)
	}
	return f.Result, nil
}

func (f *fetch) run(name string, start time.Time) error {
	n, err := f.first(f.request(name))
	if err != nil {
		return err
	}
	for {
		done, err := f.take(f.buf[:n])
		if done || err != nil {
			return err
		}
		if f.Limit > 0 && time.Since(start) > f.Limit {
			_, err := f.conn.Write([]byte("\x00\x05\x00\x00enough\x00"))
			return err
		}
		if n, err = f.next(); err != nil {
			return err
		}
	}
}

func (f *fetch) request(name string) []byte {
	b := append([]byte{0, opRead}, name+"\x00octet\x00"...)
	if f.Client.Block > 0 {
		b = append(b, "blksize\x00"+strconv.Itoa(f.Client.Block)+"\x00"...)
	}
	if f.Client.Window > 0 {
		b = append(b, "windowsize\x00"+strconv.Itoa(f.Client.Window)+"\x00"...)
	}
	return b
}

// first asks until somebody answers, and listens to nobody else from then on.
func (f *fetch) first(request []byte) (int, error) {
	for try := 0; ; try++ {
		if _, err := f.conn.WriteToUDPAddrPort(request, f.Server); err != nil {
			return 0, err
		}
		f.conn.SetReadDeadline(time.Now().Add(f.Timeout))
		n, from, err := f.conn.ReadFromUDPAddrPort(f.buf)
		if err == nil {
			if from.Addr().Unmap() != f.Server.Addr() {
				return 0, fmt.Errorf("asked %v, answered by %v", f.Server, from)
			}
			return n, f.connect(from)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || try == f.Tries {
			return 0, err
		}
		f.Resent++
	}
}

func (f *fetch) connect(to netip.AddrPort) error {
	raw, err := f.conn.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	err = raw.Control(func(fd uintptr) {
		done = unix.Connect(int(fd), &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()})
	})
	return errors.Join(err, done)
}

// next reads a packet. After a silence the last ACK goes out again.
func (f *fetch) next() (int, error) {
	for try := 0; ; try++ {
		n, err := f.conn.Read(f.buf)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || try == f.Tries {
			return n, err
		}
		f.Resent++
		if err := f.ack(0); err != nil {
			return 0, err
		}
	}
}

// take handles a packet; done is true with the last block.
func (f *fetch) take(b []byte) (done bool, err error) {
	if len(b) < 4 {
		return false, nil
	}
	switch binary.BigEndian.Uint16(b) {
	case opError:
		return false, fmt.Errorf("server: code %d: %q", binary.BigEndian.Uint16(b[2:]), b[4:])
	case opOACK:
		if f.want > 1 {
			f.Doubled++
			return false, nil
		}
		f.agree(strings.Split(string(b[2:]), "\x00"))
		return false, f.ack(0)
	case opData:
		return f.data(binary.BigEndian.Uint16(b[2:]), b[4:])
	}
	return false, nil
}

func (f *fetch) agree(options []string) {
	for i := 0; i+1 < len(options); i += 2 {
		n, _ := strconv.Atoi(options[i+1])
		switch strings.ToLower(options[i]) {
		case "blksize":
			f.Result.Block = n
		case "windowsize":
			f.Result.Window = n
		}
	}
}

func (f *fetch) data(block uint16, b []byte) (done bool, err error) {
	if block != uint16(f.want) {
		f.Doubled++
		if f.Result.Window == 1 || f.gap == f.want {
			return false, nil
		}
		f.gap = f.want
		return false, f.ack(0)
	}
	if f.Into != nil {
		if _, err := f.Into.Write(b); err != nil {
			return false, err
		}
	}
	f.Bytes += int64(len(b))
	f.want++
	f.since++
	done = len(b) < f.Result.Block
	if done || f.since == f.Result.Window {
		return done, f.ack(f.Delay)
	}
	return false, nil
}

// ack acknowledges what is there, after the delay.
func (f *fetch) ack(delay time.Duration) error {
	f.since = 0
	f.Acks++
	if delay > 0 {
		start := time.Now()
		t := unix.NsecToTimespec(int64(delay))
		unix.Nanosleep(&t, nil)
		f.Waited += time.Since(start)
	}
	if err := f.conn.SetReadDeadline(time.Now().Add(f.Timeout)); err != nil {
		return err
	}
	_, err := f.conn.Write(binary.BigEndian.AppendUint16([]byte{0, opAck}, uint16(f.want-1)))
	return err
}
