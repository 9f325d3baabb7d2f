package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/bootward/bootward/lab/process"
)

// connectWithin is how long QEMU may take from its start to its connection to the lab's sockets.
const connectWithin = 30 * time.Second

// Start switches the machine on. It is killed when ctx ends. A machine that is started again in the same directory
// keeps its UEFI variables, and its console files are added to.
func Start(ctx context.Context, config Config, log *slog.Logger) (*Machine, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	m := &Machine{config: config, log: log.With("machine", config.Name), viewers: &viewers{}, terminal: newTerminal(), drained: make(chan struct{})}
	if err := m.start(ctx); err != nil {
		if m.process != nil {
			m.process.Kill()
			<-m.process.Done()
			err = fmt.Errorf("%w%s", err, lastWords(config.Dir))
		}
		return nil, errors.Join(fmt.Errorf("start machine %s: %w", config.Name, err), m.closeFiles())
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context) error {
	if err := m.prepare(); err != nil {
		return err
	}
	dir, err := os.Open(m.config.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	serial, err := listen(dir, serialSocket)
	if err != nil {
		return err
	}
	defer serial.Close()
	monitor, err := listen(dir, qmpSocket)
	if err != nil {
		return err
	}
	defer monitor.Close()
	console, err := listen(dir, consoleSocket)
	if err != nil {
		return err
	}
	m.files = append(m.files, console)
	if m.config.TPM {
		if err := m.startTPM(ctx, dir); err != nil {
			return err
		}
	}
	if err := m.launch(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if m.serial, err = m.accept(ctx, serial); err != nil {
		return fmt.Errorf("wait for its serial port: %w", err)
	}
	m.files = append(m.files, m.serial)
	conn, err := m.accept(ctx, monitor)
	if err != nil {
		return fmt.Errorf("wait for its monitor: %w", err)
	}
	m.files = append(m.files, conn)
	m.monitor = newQMP(conn, m.Uptime)
	go m.monitor.read()
	if _, err := m.monitor.run(ctx, "qmp_capabilities"); err != nil {
		return err
	}
	go m.viewers.serve(console, m.serial)
	go m.drain()
	m.log.Info("power on", "pid", m.process.PID(), "command", filepath.Join(m.config.Dir, scriptFile))
	return nil
}

// prepare makes the machine's files: directory, variables, script, transcript.
func (m *Machine) prepare() error {
	dir := m.config.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, scriptFile), []byte(Script(m.config)), 0o755); err != nil {
		return err
	}
	if m.config.Firmware != BIOS {
		if err := makeCleared(dir, m.config); err != nil {
			return err
		}
		if err := copyVars(filepath.Join(dir, varsFile), platformOf(m.config.Firmware)); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(filepath.Join(dir, logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	m.files = append(m.files, out)
	m.transcript = newTranscript(m.Uptime, out)
	return nil
}

// makeCleared makes the files of zeros: holes, which take no room.
func makeCleared(dir string, c Config) error {
	for name, size := range map[string]int64{lowFile: lowSize, highFile: highOf(c)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return fmt.Errorf("machine %s: %w", c.Name, err)
		}
		if err := os.Truncate(path, size); err != nil {
			return fmt.Errorf("machine %s: %w", c.Name, err)
		}
	}
	return nil
}

// copyVars gives the machine UEFI variables of its own, unless it has them from an earlier power-on.
func copyVars(path string, p platform) error {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	vars, err := os.ReadFile(p.vars)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no UEFI firmware here: install the Debian package %s: %w", p.debian, err)
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", vars, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (m *Machine) launch(ctx context.Context) error {
	out, err := os.Create(filepath.Join(m.config.Dir, errorFile))
	if err != nil {
		return err
	}
	defer out.Close()
	m.started = time.Now()
	m.process, err = process.Start(ctx, process.Spec{
		Name: "QEMU of " + m.config.Name, Namespace: m.config.Namespace, Args: Args(m.config),
		Dir: m.config.Dir, Stdout: out, Stderr: out,
	})
	return err
}

// listen makes a socket in dir, in place of one that an earlier run left.
func listen(dir *os.File, name string) (*net.UnixListener, error) {
	path := socketPath(dir, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", filepath.Join(dir.Name(), name), err)
	}
	// The path is valid while dir is open only, so closing must not remove it.
	listener.SetUnlinkOnClose(false)
	return listener, nil
}

// accept waits for QEMU's connection, for its end, or for ctx.
func (m *Machine) accept(ctx context.Context, listener *net.UnixListener) (net.Conn, error) {
	accepted := make(chan struct{})
	defer close(accepted)
	go func() {
		select {
		case <-m.process.Done():
		case <-ctx.Done():
		case <-accepted:
			return
		}
		_ = listener.Close()
	}()
	conn, err := listener.Accept()
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, net.ErrClosed) {
		return nil, errors.New("QEMU ended")
	}
	return conn, err
}

// drain reads the console until QEMU is gone, then closes what the machine held.
func (m *Machine) drain() {
	defer close(m.drained)
	buffer := make([]byte, 4096)
	warned := false
	for {
		n, err := m.serial.Read(buffer)
		m.viewers.write(buffer[:n])
		m.terminal.write(buffer[:n])
		if werr := m.transcript.write(buffer[:n]); werr != nil && !warned {
			m.log.Error("console is not recorded any more", "error", werr)
			warned = true
		}
		if err != nil {
			break
		}
	}
	<-m.process.Done()
	if err := m.transcript.close(); err != nil && !warned {
		m.log.Error("console is not recorded to its end", "error", err)
	}
	m.viewers.close()
	m.terminal.close()
	if err := m.closeFiles(); err != nil && !errors.Is(err, syscall.EPIPE) {
		m.log.Warn("close the machine's files", "error", err)
	}
	m.log.Info("power off", "after", m.Uptime().Round(time.Millisecond))
}

func (m *Machine) closeFiles() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
