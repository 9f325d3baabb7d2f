package boot

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Next is what the machine does after PID 1 has ended everything.
type Next string

// What can follow. NextDisk is a restart after which the machine is meant to boot its own disk: whether it does is
// for the firmware's boot order and the box's PXE answer, so for PID 1 it is a restart.
const (
	NextReboot   Next = "reboot"
	NextPowerOff Next = "poweroff"
	NextDisk     Next = "disk"
)

// parseNext reads the content of NextFile; anything unknown is a restart.
func parseNext(s string) Next {
	switch n := Next(strings.TrimSpace(s)); n {
	case NextPowerOff, NextDisk:
		return n
	}
	return NextReboot
}

func readNext(file string) Next {
	raw, err := os.ReadFile(file)
	if err != nil {
		return NextReboot // nobody asked for anything else
	}
	return parseNext(string(raw))
}

// Finish restarts the machine or switches it off (reboot(2)). It returns only if the kernel refuses.
func Finish(n Next) error {
	unix.Sync()
	how := unix.LINUX_REBOOT_CMD_RESTART
	if n == NextPowerOff {
		how = unix.LINUX_REBOOT_CMD_POWER_OFF
	}
	if err := unix.Reboot(how); err != nil {
		return fmt.Errorf("%s: %w", n, err)
	}
	return nil
}

// ctrlAltDel has the kernel send SIGINT to PID 1 instead of restarting at once.
func ctrlAltDel(log *slog.Logger) {
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF); err != nil {
		log.Warn("ctrl-alt-del restarts at once", "error", err)
	}
}

func setHostname(name string) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set host name %s: %w", name, err)
	}
	return nil
}

func lastConsole(active string) string {
	f := strings.Fields(active)
	if len(f) == 0 {
		return "/dev/console"
	}
	return "/dev/" + f[len(f)-1]
}
