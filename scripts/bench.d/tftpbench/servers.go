package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/appliance/tftp"
	"github.com/bootward/bootward/appliance/tftp/tftptest"
)

// server is one of those that are compared. It is started again where it died.
type server struct {
	name    string
	at      netip.AddrPort
	command []string
	cmd     *exec.Cmd
	ended   chan error
	deaths  int
	remote  bool // it runs on another machine
	known   bool // it answered once, so it runs
}

const ours, atftpd, dnsmasq, hpa = "bootward", "atftpd", "dnsmasq", "tftpd-hpa"

// all are ours and the peers; each may use as many sessions as it can. dnsmasq knows port 69 only.
func all(dir string, addr netip.Addr) []*server {
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(addr, port) }
	self, _ := os.Executable()
	return []*server{
		{name: ours, at: at(6901), command: []string{self, "-serve", at(6901).String(), dir}},
		{name: atftpd, at: at(6902), command: []string{"atftpd", "--daemon", "--no-fork", "--verbose=0", "--logfile", "/dev/null",
			"--port", "6902", "--bind-address", addr.String(), "--maxthread", "4000", "--user", "root", "--group", "root", dir}},
		{name: dnsmasq, at: at(69), command: []string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--pid-file=",
			"--user=root", "--enable-tftp", "--tftp-root=" + dir, "--tftp-max=4000", "--log-facility=/dev/null"}},
		{name: hpa, at: at(6903), command: []string{"in.tftpd", "--listen", "--foreground", "--user", "root", "--address", at(6903).String(),
			"--pidfile", filepath.Join(dir, "hpa.pid"), "--secure", dir}},
	}
}

// ready starts the server unless it runs, or runs elsewhere, and waits until it answers.
func (s *server) ready(ctx context.Context) error {
	if s.cmd != nil {
		select {
		case <-s.ended:
			s.deaths++
		default:
			return nil
		}
	}
	if s.remote && s.known {
		return nil
	}
	if !s.remote {
		if err := s.start(); err != nil {
			return err
		}
	}
	c := tftptest.Client{Server: s.at, Timeout: 100 * time.Millisecond, Tries: 300}
	if _, err := c.Fetch(ctx, "small"); err != nil {
		return fmt.Errorf("%s does not answer: %w", s.name, err)
	}
	s.known = true
	return nil
}

func (s *server) start() error {
	s.cmd = exec.Command(s.command[0], s.command[1:]...)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.cmd.Wait() }()
	return nil
}

func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// costs is a cost in words. tftpd-hpa forks a process for each session and ignores its end,
// after which the kernel does not tell what it took; short turns of others cost no tick.
func (s *server) costs(perGB float64) string {
	if s.name == hpa || perGB == 0 {
		return "    - CPU-s/GB"
	}
	return fmt.Sprintf("%5.2f CPU-s/GB", perGB)
}

// serveOurs is our server over a folder of the benchmark.
func serveOurs(ctx context.Context, address, dir string) error {
	conn, err := tftp.Listen(ctx, address, "")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return (&tftp.Server{
		Conn: conn, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Open: func(_ context.Context, _ netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
			f, err := root.Open(name)
			if err != nil {
				return nil, 0, fs.ErrNotExist
			}
			info, err := f.Stat()
			if err != nil {
				return nil, 0, err
			}
			return f, info.Size(), nil
		},
	}).Run(ctx)
}
