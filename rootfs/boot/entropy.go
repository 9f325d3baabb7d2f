package boot

import (
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"
)

// seedRandom asks for one random byte and waits for it. Machines without RDRAND, virtio-rng or UEFI have no entropy
// at start; the kernel collects some from timer jitter (since Linux 5.4), but only while somebody waits in
// getrandom(2), and the DHCP library only polls. Without this, it never gets an address there.
func seedRandom(log *slog.Logger) {
	start := time.Now()
	for {
		_, err := unix.Getrandom(make([]byte, 1), 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if waited := time.Since(start); err != nil || waited > time.Second {
			log.Info("random numbers are ready", "waited", waited, "error", err)
		}
		return
	}
}
