// Command bootward-init is PID 1 of our firmware and boot images. All it does is in rootfs/boot; this is the wiring.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/bootward/bootward/rootfs/boot"
)

// version is set when the program is built.
var version = "0.0.0-dev"

// readable is how long an error stays on the console before the machine restarts.
const readable = 15 * time.Second

func main() {
	log := slog.New(boot.NewHandler(os.Stdout))
	if name, ok := boot.AskedByKernel(os.Args); ok && os.Getpid() != 1 {
		if err := boot.Modprobe(name); err != nil {
			log.Warn("module for the kernel", "error", err)
			os.Exit(1)
		}
		return
	}
	if os.Getpid() != 1 {
		log.Error("bootward-init is PID 1 of a boot image and does nothing elsewhere", "version", version)
		os.Exit(2)
	}
	log.Info("Bootward " + version)
	next, err := (&boot.Init{Log: log}).Run(context.Background())
	if err != nil {
		log.Error("the machine restarts", "in", readable, "error", err)
		<-time.After(readable)
	}
	log.Error("the kernel refused", "error", boot.Finish(next))
	select {}
}
