// Package swtpm runs Debian's software TPM 2.0 for tests: a TPM that is not ours.
package swtpm

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"
)

// Start makes a new TPM that lives as long as the test, and returns what opens it.
func Start(t testing.TB) func() transport.TPMCloser {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		t.Fatalf("the package swtpm is missing; scripts/deps installs it: %v", err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "tpm.sock")
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--flags", "not-need-init,startup-clear",
		"--server", "type=unixio,path="+socket, "--ctrl", "type=unixio,path="+filepath.Join(dir, "ctrl.sock"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return func() transport.TPMCloser {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // that it takes a call is the one sign of life it gives
			c, err := net.Dial("unix", socket)
			if err == nil {
				err = c.Close()
			}
			if err == nil {
				tpm, err := linuxudstpm.Open(socket)
				if err != nil {
					t.Fatal(err)
				}
				return tpm
			}
			if time.Now().After(end) {
				t.Fatalf("swtpm does not come up: %v", err)
			}
		}
	}
}
