//go:build system

package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/internal/pcap"
	"github.com/bootward/bootward/lab/chain"
)

// shares are the parts of one boot, by the clock and by the processor time of the emulation.
type shares struct{ wall, cpu map[chain.Kind]time.Duration }

func (s shares) String() string {
	words := []string{fmt.Sprintf("total %.2f/%.2f", total(s.wall).Seconds(), total(s.cpu).Seconds())}
	for _, kind := range chain.Kinds() {
		words = append(words, fmt.Sprintf("%s %.2f/%.2f", kind, s.wall[kind].Seconds(), s.cpu[kind].Seconds()))
	}
	return strings.Join(words, ", ")
}

func readCapture(t *testing.T, file string) []pcap.Packet {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packets, err := pcap.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// usage is the processor time that a process had used, again and again.
type usage struct {
	cancel context.CancelFunc
	done   chan struct{}
	at     []time.Time
	used   []time.Duration
}

// hertz is the unit of /proc/PID/stat, USER_HZ, on all that Go runs on.
const hertz = 100

func watchUsage(ctx context.Context, pid int) *usage {
	ctx, cancel := context.WithCancel(ctx)
	u := &usage{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		tick := time.NewTicker(time.Second / hertz)
		defer tick.Stop()
		for {
			if used, err := processorTime(pid); err == nil {
				u.at, u.used = append(u.at, time.Now().Round(0)), append(u.used, used)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return u
}

// stop ends the watch, and returns a clock that tells what was used until a time.
func (u *usage) stop() func(time.Time) time.Duration {
	u.cancel()
	<-u.done
	return func(at time.Time) time.Duration {
		i, _ := slices.BinarySearchFunc(u.at, at, time.Time.Compare)
		if i == 0 {
			return 0
		}
		return u.used[i-1]
	}
}

// processorTime is fields 14 and 15 of /proc/PID/stat: see proc_pid_stat(5).
func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * time.Second / hertz
	}
	return sum, nil
}
