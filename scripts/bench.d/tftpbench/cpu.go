package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	busyPort = 7000
	tick     = 10 * time.Millisecond // USER_HZ
)

// cpu is the processor time of the server and its children, ended or not (proc(5)), in
// ticks. Of one on another machine it is all that machine did, with what its kernel does for packets.
func (s *server) cpu() (time.Duration, error) {
	if s.remote {
		return askBusy(netip.AddrPortFrom(s.at.Addr(), busyPort))
	}
	pid := strconv.Itoa(s.cmd.Process.Pid)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	ticks := 0
	for _, file := range stats {
		b, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest) // from the third field on: state, parent, ...
		if own := filepath.Base(filepath.Dir(file)) == pid; len(f) > 14 && (own || f[1] == pid) {
			ticks += sum(f[11:15]) // utime, stime, cutime, cstime
		}
	}
	return time.Duration(ticks) * tick, nil
}

func sum(numbers []string) (n int) {
	for _, s := range numbers {
		v, _ := strconv.Atoi(s)
		n += v
	}
	return n
}

// busy is how long this machine's processors were not idle (proc(5), /proc/stat).
func busy() time.Duration {
	b, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line) // cpu, user, nice, system, idle, iowait, irq, softirq, ...
	if len(f) < 8 {
		return 0
	}
	return time.Duration(sum(f[1:4])+sum(f[6:8])) * tick
}

// askBusy asks another machine for its busy.
func askBusy(at netip.AddrPort) (time.Duration, error) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	b := make([]byte, 32)
	for range 20 {
		conn.Write([]byte("?"))
		conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(b)
		if err != nil {
			continue
		}
		v, err := strconv.ParseInt(string(b[:n]), 10, 64)
		return time.Duration(v), err
	}
	return 0, fmt.Errorf("%v does not say how busy it is", at)
}
