package segment

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/lab/process"
)

// Reservation gives one machine always the same address.
type Reservation struct {
	MAC  string
	Addr netip.Addr
}

// DHCP is a running plain DHCP server: addresses and a router, no boot file and no PXE options.
type DHCP struct {
	dir string
}

// StartDHCP starts dnsmasq on the bridge with the addresses .100 to .199 of the segment's first 256, and returns when
// it serves. Its log and leases are files in dir. It ends with ctx or Close.
func (s *Segment) StartDHCP(ctx context.Context, dir string, reserved ...Reservation) (*DHCP, error) {
	d := &DHCP{dir: dir}
	args, err := s.dnsmasqArgs(d.leaseFile(), reserved)
	if err != nil {
		return nil, fmt.Errorf("segment %s: DHCP server: %w", s.config.Name, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("segment %s: DHCP server: %w", s.config.Name, err)
	}
	// A lease of an earlier run would answer for machines that are new.
	if err := os.Remove(d.leaseFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("segment %s: DHCP server: %w", s.config.Name, err)
	}
	if _, err := s.startUntil(ctx, s.Namespace(), filepath.Join(dir, "dnsmasq.log"), "IP range", args...); err != nil {
		return nil, err
	}
	return d, nil
}

func (s *Segment) dnsmasqArgs(leases string, reserved []Reservation) ([]string, error) {
	gateway := s.config.Gateway
	base := gateway.Masked().Addr().As4()
	at := func(last byte) string { return netip.AddrFrom4([4]byte{base[0], base[1], base[2], last}).String() }
	mask := net.IP(net.CIDRMask(gateway.Bits(), 32)).String()
	args := []string{
		"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--log-facility=-", "--log-dhcp", "--user=root",
		"--pid-file=", "--port=0", "--no-ping", "--dhcp-authoritative", "--bind-interfaces",
		"--interface=" + Bridge, "--except-interface=lo",
		"--dhcp-range=" + at(100) + "," + at(199) + "," + mask + ",1h",
		"--dhcp-option=option:router," + gateway.Addr().String(),
		"--dhcp-leasefile=" + leases,
	}
	if next := s.config.NextServer; next.IsValid() {
		args = append(args, "--dhcp-boot=,,"+next.String())
	}
	args = append(args, s.config.DHCPOptions...)
	for _, r := range reserved {
		if _, err := net.ParseMAC(r.MAC); err != nil {
			return nil, fmt.Errorf("reservation of %v: MAC %q: %w", r.Addr, r.MAC, err)
		}
		if !gateway.Contains(r.Addr) {
			return nil, fmt.Errorf("reservation of %s: address %v is outside %v", r.MAC, r.Addr, gateway.Masked())
		}
		args = append(args, "--dhcp-host="+r.MAC+","+r.Addr.String())
	}
	return args, nil
}

func (d *DHCP) leaseFile() string { return filepath.Join(d.dir, "dnsmasq.leases") }

// Leases returns what the server has given out.
func (d *DHCP) Leases() ([]Lease, error) {
	f, err := os.Open(d.leaseFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read DHCP leases: %w", err)
	}
	defer f.Close()
	return ParseLeases(f)
}

// Lease is one address given out.
type Lease struct {
	Ends time.Time
	MAC  string // lower case, with colons
	Addr netip.Addr
	Host string // the name that the client gave; empty: none
}

// ParseLeases reads dnsmasq's lease file: lines of "expiry MAC address host client-id". IPv6 leases are passed over.
func ParseLeases(r io.Reader) ([]Lease, error) {
	var leases []Lease
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if fields[0] == "duid" {
			break // IPv6 from here on
		}
		if len(fields) != 5 {
			return nil, fmt.Errorf("DHCP leases: line %d: %d fields, want 5", n, len(fields))
		}
		ends, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("DHCP leases: line %d: expiry: %w", n, err)
		}
		addr, err := netip.ParseAddr(fields[2])
		if err != nil {
			return nil, fmt.Errorf("DHCP leases: line %d: %w", n, err)
		}
		lease := Lease{Ends: time.Unix(ends, 0).UTC(), MAC: strings.ToLower(fields[1]), Addr: addr, Host: fields[3]}
		if lease.Host == "*" {
			lease.Host = ""
		}
		leases = append(leases, lease)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read DHCP leases: %w", err)
	}
	return leases, nil
}

// Start starts a server in a network namespace of the segment or of a host on it, with its messages in the file log,
// and returns when one of them contains ready. It ends with ctx or Close.
func (s *Segment) Start(ctx context.Context, namespace, log, ready string, args ...string) error {
	_, err := s.startUntil(ctx, namespace, log, ready, args...)
	return err
}

func (s *Segment) startUntil(ctx context.Context, namespace, log, ready string, args ...string) (*process.Process, error) {
	name := args[0]
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("segment %s: %s: %w", s.config.Name, name, err)
	}
	watch := &watcher{out: out, word: ready, seen: make(chan struct{})}
	child, err := process.Start(ctx, process.Spec{
		Name: name + " on " + s.config.Name, Namespace: namespace, Args: args, Stdout: watch, Stderr: watch,
	})
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go func() {
		<-child.Done()
		_ = out.Close()
	}()
	s.mu.Lock()
	s.children = append(s.children, child)
	s.mu.Unlock()
	select {
	case <-watch.seen:
		return child, nil
	case <-child.Done():
		text, _ := os.ReadFile(log)
		return nil, fmt.Errorf("segment %s: %s ended: %s", s.config.Name, name, strings.TrimSpace(string(text)))
	case <-ctx.Done():
		return nil, fmt.Errorf("segment %s: wait for %s: %w", s.config.Name, name, ctx.Err())
	}
}

// watcher passes output on and closes seen when word has come by.
type watcher struct {
	out  io.Writer
	word string

	mu    sync.Mutex
	text  string
	found bool
	seen  chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.found {
		w.text += string(p)
		if strings.Contains(w.text, w.word) {
			w.found, w.text = true, ""
			close(w.seen)
		}
	}
	return w.out.Write(p)
}
