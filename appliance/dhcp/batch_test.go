//go:build bench

package dhcp_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is what sendmmsg(2) and recvmmsg(2) take.
type batch struct {
	data    [][]byte
	vectors []unix.Iovec
	headers []header
}

// header is struct mmsghdr.
type header struct {
	unix.Msghdr
	n uint32
}

func newBatch(n int) batch {
	return batch{make([][]byte, n), make([]unix.Iovec, n), make([]header, n)}
}

func (b batch) set(i int, data []byte) {
	b.data[i] = data
	b.vectors[i].Base = &data[0]
	b.vectors[i].SetLen(len(data))
	b.headers[i].Iov = &b.vectors[i]
	b.headers[i].SetIovlen(1)
}

// bytes is what was read.
func (b batch) bytes(i int) []byte { return b.data[i][:b.headers[i].n] }

func (b batch) call(number uintptr, fd, count, flags int) (int, error) {
	if count == 0 {
		return 0, nil
	}
	n, _, errno := unix.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), uintptr(count), uintptr(flags), 0, 0)
	if errno != 0 {
		return 0, fmt.Errorf("in a batch of %d: %w", count, errno)
	}
	return int(n), nil
}

func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// cpuTime is what a process has used (proc(5), stat: fields 14 and 15, in ticks of 10 ms).
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
