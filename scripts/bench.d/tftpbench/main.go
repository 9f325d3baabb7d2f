// Command tftpbench compares TFTP servers side by side, over loopback, with one client of ours:
// throughput and processor time by window and round trip, and many sessions at once. Servers
// take turns within each cell of the table, as this machine's speed drifts. scripts/bench.d/tftp
// prepares the peers and runs it; scripts/bench.d/tftp-virtio runs it as the only program of two
// emulated machines.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

const (
	block     = 1428
	bigSize   = 64 << 20
	smallSize = 200_000
)

var (
	windows = []int{0, 1, 4, 16, 64} // 0: no option at all, blocks of 512
	trips   = []time.Duration{0, 500 * time.Microsecond, time.Millisecond}
	crowds  = []int{1, 64, 1000, 3000}
)

func main() {
	rounds := flag.Int("rounds", 9, "turns that each server takes in a cell; the median counts")
	seconds := flag.Float64("seconds", 0.25, "length of a turn")
	short := flag.Bool("short", false, "no round trips and no crowds")
	serve := flag.String("serve", "", "be our server on this address, for the first argument's folder")
	pack := flag.String("pack", "", "write the image of the two machines to this file; arguments: programs and libraries")
	kit := flag.String("kit", "build/kit", "the kit that their kernel comes from")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *short {
		trips, crowds = trips[:1], crowds[:1]
	}
	turn := time.Duration(*seconds * float64(time.Second))
	err := error(nil)
	switch {
	case os.Getpid() == 1:
		err = machine(ctx, *rounds, turn)
	case *pack != "":
		err = packImage(*kit, *pack, flag.Args())
	case *serve != "":
		err = serveOurs(ctx, *serve, flag.Arg(0))
	default:
		err = compare(ctx, *rounds, turn)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tftpbench:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, rounds int, turn time.Duration) error {
	dir, err := os.MkdirTemp("", "tftpbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := writeFiles(dir); err != nil {
		return err
	}
	servers := all(dir, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	for _, s := range servers {
		defer s.stop()
	}
	r := results{}
	for _, trip := range trips {
		for _, window := range windows {
			if err := r.speed(ctx, servers, rounds, turn, window, trip); err != nil {
				return err
			}
		}
	}
	for _, clients := range crowds {
		if err := r.crowd(ctx, servers, clients); err != nil {
			return err
		}
	}
	print(append(r.ratios(), r.sessions()...))
	return nil
}

func writeFiles(dir string) error {
	for name, size := range map[string]int{"big": bigSize, "small": smallSize} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o644); err != nil {
			return err
		}
	}
	return nil
}
