package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/internal/durable"
)

// Where the agent lives that stays as the client.
const (
	clientName   = "bootward-client.service"
	clientPath   = "etc/systemd/system/" + clientName
	clientWants  = "etc/systemd/system/multi-user.target.wants/" + clientName
	clientTarget = "/" + clientPath
	// ClientFolder holds what the client knows, mode 0700: the site's trust anchor,
	// its box, its state. No key: each job has its own.
	ClientFolder = "var/lib/bootward-client"
)

// The files of ClientFolder that are there from the beginning.
const (
	ClientAnchor = "anchor.json"
	ClientBox    = "box.json"
)

// ClientService is the name of the client's unit.
const ClientService = clientName

// ClientUnit is the service of the client. It does nothing before a deployment
// has succeeded and left it an anchor.
const ClientUnit = `[Unit]
Description=Bootward client
Documentation=https://github.com/bootward/bootward
ConditionPathExists=/` + ClientFolder + "/" + ClientAnchor + `
After=network.target systemd-logind.service

[Service]
Type=exec
ExecStart=/usr/lib/bootward/bootward-agent client
Restart=on-failure
RestartSec=30
Delegate=yes

[Install]
WantedBy=multi-user.target
`

// InstallClient puts the client's unit into the system at dir, beside the agent
// (Install). It may be repeated.
func InstallClient(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("install the client: %w", err)
	}
	defer root.Close()
	if err := tree.Write(root, clientPath, []byte(ClientUnit)); err != nil {
		return fmt.Errorf("install the client: %w", err)
	}
	if err := root.Symlink(clientTarget, clientWants); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("install the client: enable its unit: %w", err)
	}
	return nil
}

// KeepClient makes ClientFolder of the system at dir, with what the client needs
// of a job that has succeeded.
func KeepClient(dir string, anchor, box []byte) error {
	at := filepath.Join(dir, ClientFolder)
	if err := os.MkdirAll(at, 0o700); err != nil {
		return fmt.Errorf("keep the client: %w", err)
	}
	err := errors.Join(os.Chmod(at, 0o700), durable.Write(filepath.Join(at, ClientBox), box, 0o600),
		durable.Write(filepath.Join(at, ClientAnchor), anchor, 0o600)) // last: the unit waits for it
	if err != nil {
		return fmt.Errorf("keep the client: %w", err)
	}
	return nil
}
