package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/bootward/bootward/agent/tree"
)

// Where the agent lives in the installed system.
const (
	unitName   = "bootward-agent.service"
	agentPath  = "usr/lib/bootward/bootward-agent"
	unitPath   = "etc/systemd/system/" + unitName
	wantsPath  = "etc/systemd/system/multi-user.target.wants/" + unitName
	unitTarget = "/" + unitPath
)

// Unit is the service that goes on with the job in the installed system.
const Unit = `[Unit]
Description=Bootward deployment agent
Documentation=https://github.com/bootward/bootward
ConditionPathExists=|/_SMSTaskSequence/job.json
ConditionPathExists=|/var/lib/bootward/unlock.json
After=network-online.target systemd-networkd.service
Wants=network-online.target

[Service]
Type=exec
ExecStart=/usr/lib/bootward/bootward-agent resume
Restart=on-failure
RestartSec=10
Delegate=yes
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`

// Install puts the agent's program and its unit into the system at dir. It may
// be repeated.
func Install(dir, executable string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("install the agent: %w", err)
	}
	defer root.Close()
	if _, err := root.Stat("etc/systemd/system"); err != nil {
		return fmt.Errorf("install the agent: the image has no systemd: %w", err)
	}
	for _, d := range []string{"usr/lib/bootward", "etc/systemd/system/multi-user.target.wants"} {
		if err := root.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("install the agent: %w", err)
		}
	}
	src, err := os.Open(executable)
	if err != nil {
		return fmt.Errorf("install the agent: %w", err)
	}
	defer src.Close()
	if err := tree.Copy(root, agentPath, 0o755, src); err != nil {
		return fmt.Errorf("install the agent: %w", err)
	}
	if err := tree.Write(root, unitPath, []byte(Unit)); err != nil {
		return fmt.Errorf("install the agent: %w", err)
	}
	if _, err := root.Lstat(wantsPath); err == nil {
		return nil
	}
	if err := root.Symlink(unitTarget, wantsPath); err != nil {
		return fmt.Errorf("install the agent: enable its unit: %w", err)
	}
	return nil
}

// Uninstall takes units and program away again; what is gone already is fine.
func Uninstall(dir string) error {
	return remove(dir, wantsPath, unitPath, clientWants, clientPath, agentPath, "usr/lib/bootward")
}

// Retire takes away the unit that goes on with the deployment; the client stays.
func Retire(dir string) error { return remove(dir, wantsPath, unitPath) }

func remove(dir string, names ...string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("remove the agent: %w", err)
	}
	defer root.Close()
	var errs []error
	for _, name := range names {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove the agent: %w", err))
		}
	}
	return errors.Join(errs...)
}
