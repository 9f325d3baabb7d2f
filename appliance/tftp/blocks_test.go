package tftp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestBlocks sends windows of all shapes, cut by the kernel and one by one, and reads each
// packet back: the second socket mimics a link whose card computes no checksums, for which
// Linux refuses to cut.
func TestBlocks(t *testing.T) {
	for _, tc := range []struct{ size, length, window int }{
		{512, 0, 4}, {512, 511, 1}, {512, 512, 4}, {512, 512*64 + 7, 64}, {1428, 1428 * 64, 64}, {1468, 1468*70 + 5, 64},
		{8, 8*63 + 1, 64}, {65464, 200_000, 4},
	} {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d in blocks of %d by %d refused %t", tc.length, tc.size, tc.window, refused), func(t *testing.T) {
				ours, theirs := pair(t, openThreaded, netip.Addr{})
				data := content(tc.length)
				b := newBlocks(ours, bytes.NewReader(data), tc.size)
				if refused {
					if err := control(ours, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := ours.Write([]byte("OACK")); err != nil { // what goes before the blocks is refused nowhere
					t.Fatal(err)
				}
				if n, err := theirs.Read(make([]byte, 10)); n != 4 || err != nil {
					t.Fatal(n, err)
				}
				var got []byte
				next := uint64(1)
				for final := false; !final; {
					var n int
					var err error
					if n, final, err = b.send(next, tc.window); err != nil {
						t.Fatal(err)
					}
					got = append(got, readBlocks(t, theirs, next, n, tc.size)...)
					next += uint64(n)
				}
				if !bytes.Equal(got, data) || b.bytes != int64(len(data)) {
					t.Errorf("%d bytes of %d, told %d", len(got), len(data), b.bytes)
				}
				want := 0 // where the kernel cuts
				if tc.size >= minSegmented && !refused {
					want = header + tc.size
				}
				if n := segments(t, ours); n != want || b.cut != (want > 0) {
					t.Errorf("the kernel cuts after %d bytes, noted: %t, want %d", n, b.cut, want)
				}
			})
		}
	}
}

// segments is the length that the kernel cuts writes to, 0: it does not.
func segments(t *testing.T, l line) (n int) {
	t.Helper()
	err := control(l, func(fd int) (err error) {
		n, err = unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// readBlocks reads n packets, which must be blocks from first on, all full but for the last.
func readBlocks(t *testing.T, conn *net.UDPConn, first uint64, n, size int) (data []byte) {
	t.Helper()
	buf := make([]byte, 70_000)
	for i := range n {
		conn.SetReadDeadline(time.Now().Add(3 * time.Second))
		got, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("block %d: %v", first+uint64(i), err)
		}
		if got < header || buf[1] != opData || binary.BigEndian.Uint16(buf[2:]) != uint16(first)+uint16(i) || got != header+size && i < n-1 {
			t.Fatalf("block %d: %d bytes, % x", first+uint64(i), got, buf[:4])
		}
		data = append(data, buf[header:got]...)
	}
	return data
}

// TestBlocksAgain goes back in the content.
func TestBlocksAgain(t *testing.T) {
	ours, theirs := pair(t, openPolled, netip.Addr{})
	data := content(512*10 + 1)
	b := newBlocks(ours, bytes.NewReader(data), 512)
	for _, first := range []uint64{1, 3, 3, 9, 2} {
		n, _, err := b.send(first, 4)
		if err != nil {
			t.Fatal(err)
		}
		got := readBlocks(t, theirs, first, n, 512)
		if from := int(first-1) * 512; !bytes.Equal(got, data[from:min(from+4*512, len(data))]) {
			t.Errorf("blocks from %d differ", first)
		}
	}
}
