package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/rootfs"
)

// The two machines of scripts/bench.d/tftp-virtio.
var serverAddr, clientAddr = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")

// packImage writes the initramfs of the machines: this program as /init, the modules of a
// virtio card, and the peers with their libraries.
func packImage(kitDir, out string, files []string) error {
	kit, err := rootfs.OpenKit(kitDir)
	if err != nil {
		return err
	}
	modules, err := rootfs.CloseModules(kit, []string{"virtio_pci", "virtio_net"})
	if err != nil {
		return err
	}
	a := modules.Archive()
	for _, dir := range []string{"proc", "dev", "tmp", "srv"} {
		a.Folder(dir, 0o755)
	}
	a.Put("etc/passwd", []byte("root:x:0:0:root:/:/init\n"), 0o644)
	a.Put("etc/group", []byte("root:x:0:\n"), 0o644)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, file := range append(files, self) {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		to := "lib/x86_64-linux-gnu/" + filepath.Base(file)
		switch name := filepath.Base(file); {
		case file == self:
			to = "init"
		case strings.HasPrefix(name, "ld-linux"):
			to = "lib64/" + name
		case !strings.Contains(name, ".so"):
			to = "bin/" + name
		}
		a.Put(to, b, 0o755)
	}
	b, err := a.Bytes()
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o644)
}

// prepare makes a usable system of a kernel that has just started this program.
func prepare(role string) error {
	os.Setenv("PATH", "/bin")
	if err := errors.Join(unix.Mount("dev", "/dev", "devtmpfs", 0, ""), unix.Mount("proc", "/proc", "proc", 0, "")); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	console, err := os.OpenFile("/dev/console", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for fd := range 3 {
		unix.Dup2(int(console.Fd()), fd)
	}
	if err := loadModules(); err != nil {
		return err
	}
	addr := clientAddr
	if role == "server" {
		addr = serverAddr
	}
	return errors.Join(up("lo", netip.AddrFrom4([4]byte{127, 0, 0, 1})), up("eth0", addr))
}

// loadModules loads all modules of the image in an order that modules.dep allows.
func loadModules() error {
	tables, _ := filepath.Glob("/lib/modules/*/modules.dep")
	for _, table := range tables {
		f, err := os.Open(table)
		if err != nil {
			return err
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			chain := strings.Fields(strings.Replace(lines.Text(), ":", " ", 1))
			slices.Reverse(chain)
			for _, module := range chain {
				b, err := os.ReadFile(filepath.Join(filepath.Dir(table), module))
				if err != nil {
					return err
				}
				if err := unix.InitModule(b, ""); err != nil && !errors.Is(err, unix.EEXIST) {
					return fmt.Errorf("load %s: %w", module, err)
				}
			}
		}
	}
	return nil
}

// up gives a card its address, in a network of 24 bits.
func up(name string, addr netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	set := func(what uint, fill func() error) {
		if err == nil {
			err = fill()
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, what, request)
		}
	}
	set(unix.SIOCSIFADDR, func() error { return request.SetInet4Addr(addr.AsSlice()) })
	set(unix.SIOCSIFNETMASK, func() error { return request.SetInet4Addr([]byte{255, 255, 255, 0}) })
	set(unix.SIOCSIFFLAGS, func() error { request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil })
	if err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	return nil
}

// machine is the life of PID 1. Its end is that of the machine.
func machine(ctx context.Context, rounds int, turn time.Duration) error {
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	err := live(ctx, rounds, turn)
	if err != nil {
		fmt.Println("tftpbench:", err)
	}
	return err
}

func live(ctx context.Context, rounds int, turn time.Duration) error {
	role := os.Getenv("ROLE")
	if err := prepare(role); err != nil {
		return err
	}
	if role == "server" {
		return serveAll(ctx)
	}
	r := results{}
	servers := machineServers("")
	for _, window := range []int{1, 4, 16, 64} {
		if err := r.speed(ctx, servers, rounds, turn, window, 0); err != nil {
			return err
		}
	}
	print(r.virtio())
	return nil
}

// machineServers are those that run on the other machine: all but tftpd-hpa, which knows no
// windows either.
func machineServers(dir string) []*server {
	list := all(dir, serverAddr)
	for _, s := range list {
		s.remote = true
	}
	return slices.DeleteFunc(list, func(s *server) bool { return s.name == hpa })
}

// serveAll runs the servers, and tells who asks how long this machine's processor was busy.
func serveAll(ctx context.Context) error {
	if err := writeFiles("/srv"); err != nil {
		return err
	}
	for _, s := range machineServers("/srv") {
		if err := s.start(); err != nil {
			return err
		}
		go func() { fmt.Println("tftpbench:", s.name, "ended:", <-s.ended) }()
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(serverAddr, busyPort)))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		_, from, err := conn.ReadFromUDPAddrPort(make([]byte, 1))
		if err != nil {
			return err
		}
		fmt.Fprintf(reply{conn, from}, "%d", busy())
	}
}

type reply struct {
	conn *net.UDPConn
	to   netip.AddrPort
}

func (r reply) Write(b []byte) (int, error) { return r.conn.WriteToUDPAddrPort(b, r.to) }
