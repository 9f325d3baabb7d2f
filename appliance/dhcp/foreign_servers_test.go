package dhcp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bootward/bootward/appliance/network/nstest"
)

// settings are what a foreign DHCP server is told of network boot; nothing is what
// it should be told.
type settings struct {
	class string // option 60
	file  string // header field
}

// foreignServers are the DHCP servers of Debian, started on a host of the segment; each
// gives 192.168.77.100 to 110.
var foreignServers = []struct {
	name  string
	start func(t *testing.T, seg *nstest.Segment, host string, with ...settings) (stop func())
}{
	{"dnsmasq", dnsmasq}, {"kea", kea}, {"dhcpd", dhcpd},
}

func dnsmasq(t *testing.T, seg *nstest.Segment, host string, with ...settings) func() {
	t.Helper()
	args := []string{"--conf-file=/dev/null", "--no-daemon", "--port=0",
		"--interface=" + nstest.Link, "--bind-interfaces", "--dhcp-range=192.168.77.100,192.168.77.110,1h",
		"--leasefile-ro", "--no-ping", "--user=root", "--log-facility=-"}
	for _, w := range with {
		if w.class != "" {
			args = append(args, "--dhcp-vendorclass=set:boot,"+w.class, "--dhcp-option-force=tag:boot,60,"+w.class)
		}
		if w.file != "" {
			args = append(args, "--dhcp-boot="+w.file)
		}
	}
	return run(t, seg.Command(t, host, "dnsmasq", args...), "sockets bound")
}

func kea(t *testing.T, seg *nstest.Segment, host string, with ...settings) func() {
	t.Helper()
	var boot string
	for _, w := range with {
		if w.class != "" {
			boot += fmt.Sprintf(`"client-classes": [{"name": "boot", "test": "substring(option[60].hex,0,%d) == '%s'",
				"option-data": [{"name": "vendor-class-identifier", "data": %q, "always-send": true}]}], `, len(w.class), w.class, w.class)
		}
		if w.file != "" {
			boot += fmt.Sprintf(`"boot-file-name": %q, `, w.file)
		}
	}
	dir := t.TempDir()
	config := write(t, dir, "kea.conf", `{"Dhcp4": {"interfaces-config": {"interfaces": ["`+nstest.Link+`"]}, "lease-database": {"type": "memfile", "persist": false}, `+boot+
		`"subnet4": [{"subnet": "`+nstest.Subnet+`", "pools": [{"pool": "192.168.77.100 - 192.168.77.110"}]}],
		"loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stderr"}]}]}}`)
	cmd := seg.Command(t, host, "kea-dhcp4", "-c", config)
	cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	return run(t, cmd, "DHCP4_STARTED")
}

func dhcpd(t *testing.T, seg *nstest.Segment, host string, with ...settings) func() {
	t.Helper()
	var boot string
	for _, w := range with {
		if w.class != "" {
			boot += fmt.Sprintf("class \"boot\" { match if substring(option vendor-class-identifier, 0, %d) = %q; option vendor-class-identifier %q; }\n", len(w.class), w.class, w.class)
		}
		if w.file != "" {
			boot += fmt.Sprintf("filename %q;\n", w.file)
		}
	}
	dir := t.TempDir()
	config := write(t, dir, "dhcpd.conf", boot+"ping-check false;\nsubnet 192.168.77.0 netmask 255.255.255.0 { range 192.168.77.100 192.168.77.110; }\n")
	leases := write(t, dir, "leases", "")
	return run(t, seg.Command(t, host, "dhcpd", "-4", "-f", "-d", "--no-pid", "-user", "root", "-group", "root", "-cf", config, "-lf", leases, nstest.Link), "Server starting service")
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts a program and waits for the words that say that it serves.
func run(t *testing.T, cmd *exec.Cmd, words string) (stop func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cmd.Process.Kill()
			cmd.Wait()
			r.Close()
		}
	}
	t.Cleanup(stop)
	waitFor(t, r, words)
	return stop
}
