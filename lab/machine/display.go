package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Text mode of VGA: 80 by 25 cells of two bytes, character and attribute, in a window of 32 KiB. The CRTC says in two of
// its registers at which cell the screen begins: the kernel scrolls by moving that (drivers/video/console/vgacon.c).
const (
	textWindow  = 0xb8000
	textBytes   = 0x8000
	textRows    = 25
	crtcIndex   = 0x3d4
	startHigh   = 0x0c
	startLow    = 0x0d
	displayFile = "display.bin"
)

// Display is what the machine's VGA card shows in text mode, without blanks at the end of lines. The machine stands
// still meanwhile, for a few milliseconds. Bytes beyond ASCII come as question marks.
func (m *Machine) Display(ctx context.Context) (text string, err error) {
	if !m.config.Display {
		return "", fmt.Errorf("machine %s: it has no display", m.config.Name)
	}
	if err := m.Pause(ctx); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, m.Resume(ctx)) }()
	start, err := m.screenStart(ctx)
	if err != nil {
		return "", fmt.Errorf("machine %s: where its screen begins: %w", m.config.Name, err)
	}
	// QEMU runs in the machine's folder.
	if _, err := m.monitor.runWith(ctx, "pmemsave", map[string]any{"val": textWindow, "size": textBytes, "filename": displayFile}); err != nil {
		return "", fmt.Errorf("machine %s: read its screen: %w", m.config.Name, err)
	}
	window, err := os.ReadFile(filepath.Join(m.config.Dir, displayFile))
	if err != nil {
		return "", fmt.Errorf("machine %s: read its screen: %w", m.config.Name, err)
	}
	return textOf(window, start), nil
}

// screenStart reads at which cell the screen begins, and leaves the index register as the guest has it.
func (m *Machine) screenStart(ctx context.Context) (int, error) {
	index, err := m.port(ctx, fmt.Sprintf("i /b %#x", crtcIndex))
	if err != nil {
		return 0, err
	}
	start := 0
	for _, register := range []int{startHigh, startLow} {
		value, err := m.port(ctx, fmt.Sprintf("i /b %#x.%#x", crtcIndex, register))
		if err != nil {
			return 0, err
		}
		start = start<<8 | value
	}
	_, err = m.human(ctx, fmt.Sprintf("o /b %#x %#x", crtcIndex, index))
	return start, err
}

// port is the value that a command of QEMU's monitor for people read from a port: "portb[0x03d4] = 0x0f".
func (m *Machine) port(ctx context.Context, command string) (int, error) {
	said, err := m.human(ctx, command)
	if err != nil {
		return 0, err
	}
	return portValue(said)
}

func portValue(said string) (int, error) {
	_, text, _ := strings.Cut(said, "=")
	value, err := strconv.ParseUint(strings.TrimSpace(text), 0, 8)
	if err != nil {
		return 0, fmt.Errorf("QEMU says %q, want the value of a port: %w", said, err)
	}
	return int(value), nil
}

// human runs a command of QEMU's monitor for people.
func (m *Machine) human(ctx context.Context, command string) (said string, err error) {
	answer, err := m.monitor.runWith(ctx, "human-monitor-command", map[string]any{"command-line": command})
	if err == nil {
		err = json.Unmarshal(answer, &said)
	}
	return said, err
}

// textOf is the screen in a window of cells, which wraps around.
func textOf(window []byte, start int) string {
	var lines []string
	for row := range textRows {
		line := make([]byte, columns)
		for i := range line {
			at := 2 * (start + row*columns + i) % max(len(window)/2*2, 2)
			if line[i] = ' '; at < len(window) && window[at] != 0 {
				line[i] = window[at]
			}
			if line[i] < ' ' || line[i] > '~' {
				line[i] = '?'
			}
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return strings.Join(lines, "\n")
}

// Press presses keys of the machine's own keyboard, one after the other; "\r" is Enter, "\x1b" Escape. keys may also be one of F1
// to F12. Other text has letters, digits and the characters " -./" of a keyboard of the USA.
func (m *Machine) Press(ctx context.Context, keys string) error {
	codes, err := keyCodes(keys)
	if err != nil {
		return fmt.Errorf("machine %s: press keys: %w", m.config.Name, err)
	}
	for _, held := range codes {
		if _, err := m.monitor.runWith(ctx, "send-key", map[string]any{"keys": held}); err != nil {
			return fmt.Errorf("machine %s: press keys: %w", m.config.Name, err)
		}
	}
	return nil
}

// keyCode is a key by QEMU's name (QKeyCode).
type keyCode struct {
	Type string `json:"type"`
	Data string `json:"data"`
}

// keyCodes are the keys that are held at once, in turn.
func keyCodes(keys string) ([][]keyCode, error) {
	one := func(names ...string) (held []keyCode) {
		for _, n := range names {
			held = append(held, keyCode{"qcode", n})
		}
		return held
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(keys, "F")); err == nil && keys[0] == 'F' && n >= 1 && n <= 12 {
		return [][]keyCode{one(strings.ToLower(keys))}, nil
	}
	named := map[rune]string{'\r': "ret", '\x1b': "esc", ' ': "spc", '-': "minus", '.': "dot", '/': "slash"}
	var all [][]keyCode
	for _, r := range keys {
		switch {
		case named[r] != "":
			all = append(all, one(named[r]))
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			all = append(all, one(string(r)))
		case r >= 'A' && r <= 'Z':
			all = append(all, one("shift", strings.ToLower(string(r))))
		default:
			return nil, fmt.Errorf("%q: want letters, digits, one of \" -./\", Enter, Escape, or F1 to F12", r)
		}
	}
	return all, nil
}
