package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"time"
)

// reference is what the calibration boot took where the lab's deadlines were written: two quiet cores, software
// emulation, from power-on to the boot manager of OVMF.
const reference = 3600 * time.Millisecond

// maxFactor bounds how far a slow host stretches the deadlines; what is slower than that is broken.
const maxFactor = 12

// bootManager is the first line of OVMF's boot manager: an empty machine finds the shell.
var bootManager = regexp.MustCompile(`^BdsDxe: (loading|starting|failed|No bootable)`)

// Factor says how much slower than the reference this host is, never less than 1.
type Factor float64

// Scale stretches a deadline.
func (f Factor) Scale(d time.Duration) time.Duration {
	return time.Duration(float64(d) * max(1, float64(f)))
}

// factorOf judges a measured calibration boot.
func factorOf(measured time.Duration) Factor {
	return Factor(min(maxFactor, max(1, float64(measured)/float64(reference))))
}

// Calibrate boots an empty UEFI machine and says how long deadlines must be here; accel is tcg or kvm. The boot takes
// under 4 s on the reference and needs no files but the firmware: millions of translated instructions, as a kernel is.
func Calibrate(ctx context.Context, accel string, log *slog.Logger) (Factor, time.Duration, error) {
	took, err := calibrationBoot(ctx, accel, maxFactor*reference, log)
	if err != nil {
		return 1, 0, fmt.Errorf("calibrate: %w", err)
	}
	return factorOf(took), took, nil
}

// ChooseAccel returns kvm if a guest boots with it within a few seconds here, otherwise tcg: on some hosts /dev/kvm
// opens, and guests hang.
func ChooseAccel(ctx context.Context, log *slog.Logger) string {
	return chooseAccel(ctx, "/dev/kvm", log)
}

func chooseAccel(ctx context.Context, device string, log *slog.Logger) string {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		log.Info("software emulation", "because", err)
		return TCG
	}
	_ = f.Close()
	took, err := calibrationBoot(ctx, KVM, 8*time.Second, log)
	if err != nil {
		log.Warn("software emulation: no guest boots with KVM here", "error", err)
		return TCG
	}
	log.Info("hardware virtualisation", "guest booted in", took)
	return KVM
}

// calibrationBoot returns the time from power-on to the boot manager.
func calibrationBoot(ctx context.Context, accel string, within time.Duration, log *slog.Logger) (took time.Duration, err error) {
	dir, err := os.MkdirTemp("", "bootward-calibration-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	m, err := Start(ctx, Config{
		Name: "calibration", Dir: dir, Firmware: UEFI, BootOrder: DiskFirst, MemoryMiB: 256, CPUs: 1, Accel: accel,
	}, log)
	if err != nil {
		return 0, err
	}
	defer m.Kill()
	line, err := m.WaitSerial(ctx, 0, bootManager)
	if err != nil {
		return 0, err
	}
	return line.At, nil
}
