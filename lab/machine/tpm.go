package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bootward/bootward/lab/process"
)

// The software TPM of a machine: what it keeps, and the socket at which QEMU drives
// it.
const (
	tpmFolder = "tpm"
	tpmSocket = "tpm.sock"
)

// tpmDevice is nothing for a machine without a TPM.
func tpmDevice(c Config) []string {
	if !c.TPM {
		return nil
	}
	return []string{"-chardev", "socket,id=tpm0,path=" + tpmSocket, "-tpmdev", "emulator,id=tpm,chardev=tpm0", "-device", "tpm-crb,tpmdev=tpm"}
}

// swtpm is the command line of the TPM, which listens at a path or a file descriptor.
func swtpm(at string) []string {
	return []string{"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + tpmFolder, "--ctrl", "type=unixio," + at, "--terminate"}
}

// startTPM starts the machine's TPM: the same one at each power-on, since its seeds
// stay in the machine's directory. It ends when QEMU does. Its socket is there before
// it is, so that QEMU need not wait for it.
func (m *Machine) startTPM(ctx context.Context, dir *os.File) error {
	if _, err := exec.LookPath("swtpm"); err != nil {
		return fmt.Errorf("no software TPM here: install the Debian package swtpm: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(m.config.Dir, tpmFolder), 0o700); err != nil {
		return err
	}
	listener, err := listen(dir, tpmSocket)
	if err != nil {
		return err
	}
	defer listener.Close()
	socket, err := listener.File()
	if err != nil {
		return fmt.Errorf("socket of the TPM: %w", err)
	}
	defer socket.Close()
	_, err = process.Start(ctx, process.Spec{Name: "TPM of " + m.config.Name, Args: swtpm("fd=3"), Dir: m.config.Dir, Files: []*os.File{socket}})
	return err
}
