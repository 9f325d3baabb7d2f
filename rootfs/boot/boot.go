// Package boot is the logic of PID 1 in our firmware and boot images: mounts, kernel modules, the box's data disk,
// the configuration seed, and one child program, which it starts, watches and ends in order.
//
// What to do is decided by pure functions on plain values (command line, module aliases, disks, delays), which tests
// call; the rest is thin. PID 1 never formats a disk that is not entirely blank, never mounts a removable disk as
// data, starts exactly one program, and gives a shell only if the kernel command line asks for one.
//
// Kernel parameters: bootward.role=box|target, bootward.shell=1. Files: /run/bootward/next says what follows an
// orderly end (reboot, poweroff, disk). SIGTERM, ctrl-alt-del and the power button end in order.
package boot

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bootward/bootward/rootfs/network"
)

// Paths that PID 1 and the programs it starts agree on.
const (
	DataDir    = "/var/lib/bootward"         // data partition of a box
	SeedDir    = "/boot/bootward"            // on the ESP, read-only: what the installer left for the first boot
	ConfigFile = "/etc/bootward/box.yaml"    // configuration of a box; a copy in DataDir wins over the seed
	TokenFile  = "/run/bootward/enrol.token" // enrolment token of the seed, 0600
	NextFile   = "/run/bootward/next"        // what to do after the orderly end: reboot, poweroff, disk
	RunDir     = "/run/bootward"
)

// Role says what the image is for.
type Role string

// The roles there are.
const (
	RoleBox    Role = "box"
	RoleTarget Role = "target"
)

// Parameters is what the kernel command line tells PID 1.
type Parameters struct {
	Role  Role
	Shell bool // start a support shell on the console
}

// ParseCommandLine reads /proc/cmdline. A missing or unknown role is an error that names the choices.
func ParseCommandLine(line string) (Parameters, error) {
	var p Parameters
	for _, word := range strings.Fields(line) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "bootward.role":
			p.Role = Role(value)
		case "bootward.shell":
			p.Shell = value == "1"
		}
	}
	if p.Role != RoleBox && p.Role != RoleTarget {
		return p, fmt.Errorf("kernel command line: bootward.role is %q, must be box or target", p.Role)
	}
	return p, nil
}

// Init is PID 1. Make one with its log and call Run.
type Init struct {
	Log       *slog.Logger
	processes processes
	powerOff  atomic.Bool // the power button was pressed
	end       func()      // ends the child, in order
}

// Run boots the machine, runs the child of its role, and returns what the machine must do next. It returns only when
// everything is unmounted; the caller then calls Finish. An error means that the image itself is broken.
func (i *Init) Run(ctx context.Context) (Next, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	i.end = stop
	if err := mountBasics(i.Log); err != nil {
		return NextReboot, err
	}
	go seedRandom(i.Log)
	ctrlAltDel(i.Log)
	signals := i.processes.watch(stop)
	defer signals()
	if err := network.Up(ctx, "lo"); err != nil {
		i.Log.Warn("loopback", "error", err)
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return NextReboot, fmt.Errorf("read kernel command line: %w", err)
	}
	p, err := ParseCommandLine(string(line))
	if err != nil {
		return NextReboot, err
	}
	machine, err := i.hardware(ctx)
	if err != nil {
		return NextReboot, err
	}
	if p.Shell {
		go i.shell(ctx)
	}
	switch p.Role {
	case RoleBox:
		err = i.runBox(ctx, machine, p.Shell)
	case RoleTarget:
		err = i.runTarget(ctx)
	}
	if ctx.Err() != nil {
		err = nil // somebody asked for the end
	}
	next := readNext(NextFile)
	if i.powerOff.Load() {
		next = NextPowerOff
	}
	i.Log.Info("ending", "next", next)
	stop()
	killAll()
	unmountAll(i.Log)
	return next, err
}

// sinceBoot is the time since the kernel started, which is the time since power-on less the firmware's and loader's.
func sinceBoot() time.Duration {
	raw, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	return parseUptime(string(raw))
}

func parseUptime(s string) time.Duration {
	first, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	d, err := time.ParseDuration(first + "s")
	if err != nil {
		return 0
	}
	return d
}
