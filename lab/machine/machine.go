package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/bootward/bootward/lab/process"
)

// Machine is an emulated computer that has been switched on. Its methods may be called from any goroutine.
type Machine struct {
	config     Config
	log        *slog.Logger
	started    time.Time
	process    *process.Process
	monitor    *qmp
	serial     net.Conn
	transcript *transcript
	terminal   *terminal
	viewers    *viewers
	files      []io.Closer // closed at the end
	drained    chan struct{}
}

// Name is the machine's name.
func (m *Machine) Name() string { return m.config.Name }

// Dir holds the machine's files: qemu.sh, qemu.log, serial.log (lines with times), serial.raw (every byte).
func (m *Machine) Dir() string { return m.config.Dir }

// PID is QEMU's process id.
func (m *Machine) PID() int { return m.process.PID() }

// PowerOn is when the machine was switched on.
func (m *Machine) PowerOn() time.Time { return m.started }

// Uptime is the time since power-on.
func (m *Machine) Uptime() time.Duration { return time.Since(m.started) }

// Done is closed when the machine is off and its transcript complete.
func (m *Machine) Done() <-chan struct{} { return m.drained }

// Serial returns the console's lines so far. They are not to be changed.
func (m *Machine) Serial() []Line { return m.transcript.all() }

// WaitSerial returns the first line of the console, from line number from on (0: from power-on), that re matches.
// A prompt that does not end its line matches too. It fails when ctx ends or the machine is off, quoting the last lines.
func (m *Machine) WaitSerial(ctx context.Context, from int, re *regexp.Regexp) (Line, error) {
	line, ok, err := m.transcript.wait(ctx, from, re)
	switch {
	case err != nil:
		return Line{}, fmt.Errorf("machine %s: wait for %q on its console: %w; its last lines:%s", m.config.Name, re, err, m.transcript.last(6))
	case !ok:
		return Line{}, fmt.Errorf("machine %s: went off before %q came on its console; its last lines:%s", m.config.Name, re, m.transcript.last(6))
	}
	return line, nil
}

// Screen is what a terminal of 80 by 24 characters at the serial port shows, without blanks at the end of lines.
func (m *Machine) Screen() string { return m.terminal.text() }

// WaitScreen waits until re matches what a terminal at the serial port shows, and returns that. It fails when ctx ends
// or the machine is off, quoting the screen.
func (m *Machine) WaitScreen(ctx context.Context, re *regexp.Regexp) (string, error) {
	shown, ok, err := m.terminal.wait(ctx, re)
	switch {
	case err != nil:
		return "", fmt.Errorf("machine %s: wait for %q on its screen: %w; it shows:\n%s", m.config.Name, re, err, shown)
	case !ok:
		return "", fmt.Errorf("machine %s: went off before %q stood on its screen; it showed:\n%s", m.config.Name, re, shown)
	}
	return shown, nil
}

// Unfinished is what the console shows of a line that has not ended, such as a prompt or a line of progress.
func (m *Machine) Unfinished() string { return m.transcript.unfinished() }

// Type sends text to the serial console.
func (m *Machine) Type(text string) error {
	if _, err := io.WriteString(m.serial, text); err != nil {
		return fmt.Errorf("machine %s: type on its console: %w", m.config.Name, err)
	}
	return nil
}

// Events returns what QEMU has reported so far. It is not to be changed.
func (m *Machine) Events() []Event { return m.monitor.events.all() }

// WaitEvent returns the first event of that name, from event number from on (0: from power-on).
func (m *Machine) WaitEvent(ctx context.Context, from int, name string) (Event, error) {
	event, ok, err := m.monitor.events.wait(ctx, from, func(e Event) bool { return e.Name == name })
	if err == nil && !ok {
		err = errQMPClosed
	}
	if err != nil {
		return Event{}, fmt.Errorf("machine %s: wait for event %s: %w", m.config.Name, name, err)
	}
	return event, nil
}

// Watch returns every event from power-on, none missed; the channel is closed when the machine is off or ctx ends.
func (m *Machine) Watch(ctx context.Context) <-chan Event {
	events := make(chan Event)
	go func() {
		defer close(events)
		for n := 0; ; n++ {
			event, ok, err := m.monitor.events.wait(ctx, n, func(Event) bool { return true })
			if err != nil || !ok {
				return
			}
			select {
			case events <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// Status is QEMU's word for the state: running, paused, shutdown, guest-panicked, …
func (m *Machine) Status(ctx context.Context) (string, error) {
	answer, err := m.monitor.run(ctx, "query-status")
	if err != nil {
		return "", fmt.Errorf("machine %s: %w", m.config.Name, err)
	}
	var status struct{ Status string }
	if err := json.Unmarshal(answer, &status); err != nil {
		return "", fmt.Errorf("machine %s: read its status: %w", m.config.Name, err)
	}
	return status.Status, nil
}

// PowerDown presses the power button (ACPI); it is up to the guest to obey.
func (m *Machine) PowerDown(ctx context.Context) error { return m.command(ctx, "system_powerdown") }

// Reset presses the reset button.
func (m *Machine) Reset(ctx context.Context) error { return m.command(ctx, "system_reset") }

// Pause stops the machine's processors: its guest sees nothing but a jump of time, as a slower machine would.
func (m *Machine) Pause(ctx context.Context) error { return m.command(ctx, "stop") }

// Resume lets a paused machine go on.
func (m *Machine) Resume(ctx context.Context) error { return m.command(ctx, "cont") }

// Quit ends QEMU in good order: its disk images are flushed; the guest is not asked.
func (m *Machine) Quit(ctx context.Context) error { return m.command(ctx, "quit") }

func (m *Machine) command(ctx context.Context, name string) error {
	if _, err := m.monitor.run(ctx, name); err != nil {
		return fmt.Errorf("machine %s: %w", m.config.Name, err)
	}
	return nil
}

// Kill cuts the power and returns when QEMU is gone. What QEMU had handed to the host survives: see the caveat on
// power cuts in qemu-img(1), cache modes.
func (m *Machine) Kill() {
	m.process.Kill()
	<-m.drained
}

// Wait returns when the machine is off: nil if the guest, Quit or Kill did it, otherwise QEMU's error with its last words.
func (m *Machine) Wait(ctx context.Context) error {
	select {
	case <-m.drained:
	case <-ctx.Done():
		return fmt.Errorf("machine %s: wait for its end: %w", m.config.Name, ctx.Err())
	}
	if err := m.process.Wait(ctx); err != nil {
		return fmt.Errorf("machine %s: %w%s", m.config.Name, err, lastWords(m.config.Dir))
	}
	return nil
}

// lastWords quotes the end of QEMU's own messages.
func lastWords(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, errorFile))
	if err != nil || len(text) == 0 {
		return ""
	}
	return ": " + string(text[max(0, len(text)-600):])
}
