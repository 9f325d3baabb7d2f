// Package nstest gives tests a network segment of their own: a switch and three
// hosts in network namespaces. It needs root and iproute2, and refuses to go on
// without them.
package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Addresses of the segment. Client has none until a test gives it one.
const (
	Subnet      = "192.168.77.0/24"
	BoxAddr     = "192.168.77.1"
	BoxSecond   = "192.168.77.2" // a second address of the box, in the same subnet
	ForeignAddr = "192.168.77.9"
	ClientAddr  = "192.168.77.50"
	Link        = "eth0" // the name of the link in every host
	ClientMAC   = "52:54:00:00:00:50"
	environment = "BOOTWARD_TEST_SEGMENT"
	hostBox     = "box"
	hostSwitch  = "switch"
)

// Segment is the network that the calling test runs in: the test is on host "box".
type Segment struct{ prefix string }

// Enter runs the calling test, a top-level one, again inside a new segment. It returns
// nil in the outer run, which has nothing left to do then, and the segment in the inner
// one.
func Enter(t *testing.T) *Segment {
	t.Helper()
	if p := os.Getenv(environment); p != "" {
		return &Segment{prefix: p}
	}
	s := &Segment{prefix: fmt.Sprintf("bwt%d", os.Getpid())}
	s.build(t)
	cmd := s.Command(t, hostBox, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), environment+"="+s.prefix)
	out, err := cmd.CombinedOutput()
	t.Logf("inside the segment:\n%s", out)
	if err != nil {
		t.Fatalf("inside the segment: %v", err)
	}
	return nil
}

func (s *Segment) name(host string) string { return s.prefix + host }

// build makes the switch and the hosts box, foreign and client.
func (s *Segment) build(t *testing.T) {
	t.Helper()
	hosts := []string{hostBox, "foreign", "client"}
	for _, h := range append([]string{hostSwitch}, hosts...) {
		s.ip(t, "netns", "add", s.name(h))
		t.Cleanup(func() { exec.Command("ip", "netns", "del", s.name(h)).Run() })
		s.in(t, h, "link", "set", "lo", "up")
	}
	s.in(t, hostSwitch, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
	s.in(t, hostSwitch, "link", "set", "br0", "up")
	for i, h := range hosts {
		port := fmt.Sprintf("p%d", i)
		s.in(t, hostSwitch, "link", "add", port, "type", "veth", "peer", "name", Link, "netns", s.name(h))
		s.in(t, hostSwitch, "link", "set", port, "master", "br0", "up")
	}
	s.in(t, "client", "link", "set", Link, "address", ClientMAC)
	for _, h := range hosts {
		s.in(t, h, "link", "set", Link, "up")
	}
	s.in(t, hostBox, "addr", "add", BoxAddr+"/24", "dev", Link)
	s.in(t, hostBox, "addr", "add", BoxSecond+"/24", "dev", Link)
	s.in(t, "foreign", "addr", "add", ForeignAddr+"/24", "dev", Link)
}

func (s *Segment) in(t *testing.T, host string, args ...string) {
	t.Helper()
	s.ip(t, append([]string{"-n", s.name(host)}, args...)...)
}

func (s *Segment) ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// IP runs ip(8) on a host.
func (s *Segment) IP(t *testing.T, host string, args ...string) {
	t.Helper()
	s.in(t, host, args...)
}

// Connect lays a cable between two hosts beside the switch; both ends have the name.
func (s *Segment) Connect(t *testing.T, a, b, name string) {
	t.Helper()
	s.in(t, a, "link", "add", name, "type", "veth", "peer", "name", name, "netns", s.name(b))
	for _, h := range []string{a, b} {
		s.in(t, h, "link", "set", name, "up")
	}
}

// Command prepares a program on a host; it ends with the test.
func (s *Segment) Command(t *testing.T, host, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), "ip", append([]string{"netns", "exec", s.name(host), name}, args...)...)
}

// Do runs f on a host: sockets that it opens stay there.
func (s *Segment) Do(t *testing.T, host string, f func()) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		ns, err := os.Open("/run/netns/" + s.name(host))
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		if err == nil {
			f()
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatalf("enter host %s: %v", host, err)
	}
}
