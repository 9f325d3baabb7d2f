package tftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// transfer serves one request from its own port, bound to the address that was asked
// (RFC 1350 section 4; RFC 1123 section 4.2.3.4). It calls opened before its first packet.
func (s *Server) transfer(ctx context.Context, a arrival, r request, opened func()) {
	t := Transfer{Client: a.client, Name: r.name}
	start := time.Now()
	defer func() { t.Duration = time.Since(start); s.finish(t) }()
	defer opened()
	open := openPolled
	if runtime.GOMAXPROCS(0) > 1 && s.thread.CompareAndSwap(false, true) {
		open = openThreaded
		defer s.thread.Store(false)
	}
	conn, err := open(a.local, a.client)
	if err != nil {
		t.Err = fmt.Errorf("open a port for the transfer: %w", err)
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, conn.stop)()

	content, size, name, err := s.open(ctx, a.client.Addr(), r.name)
	opened()
	t.Name, t.Size = name, size
	if err != nil {
		code, message := clientError(err)
		conn.Write(appendError(nil, code, message))
		t.Err = err
		return
	}
	defer content.Close()
	x := newSender(ctx, conn, content, negotiate(r.options, size, maxBlock(conn)))
	t.Err = x.run()
	var peer peerError
	if errors.As(t.Err, &peer) && (x.probing || len(x.terms.oack) == 0 && x.acked() == 0) {
		// OVMF and many ROMs ask for the size first and leave with code 8 or 0; without
		// options they leave at block 1.
		t.Probe, t.Err = true, nil
	}
	t.Block, t.Window, t.Resent, t.Bytes = x.terms.block, x.terms.window, x.resent, x.acked()
}

// clientError says what the client is told of an error.
func clientError(err error) (uint16, string) {
	if errors.Is(err, fs.ErrNotExist) {
		return codeNotFound, "file not found"
	}
	return codeUndefined, "file cannot be read now"
}

// maxBlock is the largest block that goes to the client unfragmented, as boot ROMs cannot
// reassemble: what the route takes without 20 bytes of IP, 8 of UDP and 4 of TFTP.
func maxBlock(conn line) int {
	mtu := 0
	err := control(conn, func(fd int) (err error) {
		mtu, err = unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU)
		return err
	})
	if err != nil {
		mtu = 1500
	}
	return mtu - 32
}
