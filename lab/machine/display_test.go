package machine

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// cells is a window of VGA cells that shows lines from a cell on.
func cells(start int, lines ...string) []byte {
	window := make([]byte, textBytes)
	for i, line := range lines {
		for j := range len(line) {
			at := 2 * (start + i*columns + j) % textBytes
			window[at], window[at+1] = line[j], 0x07
		}
	}
	return window
}

func TestTextOf(t *testing.T) {
	for _, tt := range []struct {
		name   string
		window []byte
		start  int
		want   string
	}{
		{"from the beginning", cells(0, "Number: 1", "", "Enter go on"), 0, "Number: 1\n\nEnter go on"},
		{"scrolled", cells(5*columns, "Number: 1"), 5 * columns, "Number: 1"},
		{"around the end of the window", cells(textBytes/2-10, "0123456789abcdef"), textBytes/2 - 10, "0123456789abcdef"},
		{"beyond ASCII", cells(0, "gr\x81n"), 0, "gr?n"},
		{"cut", []byte("ab"), 0, strings.Repeat("a", 80)},
		{"nothing", nil, 7, ""},
	} {
		if got := strings.TrimRight(textOf(tt.window, tt.start), "\n"); got != tt.want && !(tt.name == "cut" && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// pretended is a machine whose QEMU is a function: a command with its arguments in, its answer out.
func pretended(t *testing.T, qemu func(command string, arguments map[string]any) any) *Machine {
	t.Helper()
	c := valid()
	c.Dir, c.Display = t.TempDir(), true
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	m := &Machine{config: c, monitor: newQMP(ours, func() time.Duration { return 0 })}
	go m.monitor.read()
	go func() {
		for in := bufio.NewScanner(theirs); in.Scan(); {
			var got struct {
				Execute   string
				Arguments map[string]any
				ID        int
			}
			if err := json.Unmarshal(in.Bytes(), &got); err != nil {
				t.Error(err)
				return
			}
			answer, err := json.Marshal(map[string]any{"id": got.ID, "return": qemu(got.Execute, got.Arguments)})
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(theirs, "%s\n", answer)
		}
	}()
	return m
}

// TestDisplay: the screen is read where the registers say that it begins, while the machine stands still; its index register
// is left as it was.
func TestDisplay(t *testing.T) {
	const start = 0x0123
	var said []string
	var m *Machine
	m = pretended(t, func(command string, arguments map[string]any) any {
		line, human := arguments["command-line"].(string)
		said = append(said, strings.TrimSpace(command+" "+line))
		switch {
		case human:
			return map[string]string{"i /b 0x3d4": "portb[0x03d4] = 0x0e\r\n", "i /b 0x3d4.0xc": "portb[0x03d5] = 0x01\r\n", "i /b 0x3d4.0xd": "portb[0x03d5] = 0x23\r\n"}[line]
		case command == "pmemsave":
			if err := os.WriteFile(filepath.Join(m.config.Dir, arguments["filename"].(string)), cells(start, "Password: ***"), 0o600); err != nil {
				t.Error(err)
			}
		}
		return map[string]any{}
	})
	got, err := m.Display(t.Context())
	if err != nil || !strings.HasPrefix(got, "Password: ***\n") {
		t.Errorf("%q, %v", got, err)
	}
	human := "human-monitor-command "
	if want := []string{"stop", human + "i /b 0x3d4", human + "i /b 0x3d4.0xc", human + "i /b 0x3d4.0xd", human + "o /b 0x3d4 0xe", "pmemsave", "cont"}; !slices.Equal(said, want) {
		t.Errorf("QEMU was told %q, want %q", said, want)
	}
	if _, err := portValue("invalid char 'x' in expression"); err == nil {
		t.Error("no value is taken for one")
	}
	m.config.Display = false
	if _, err := m.Display(t.Context()); err == nil {
		t.Error("a machine without a display shows something")
	}
}

func TestPress(t *testing.T) {
	var pressed []string
	m := pretended(t, func(_ string, arguments map[string]any) any {
		held := ""
		for _, k := range arguments["keys"].([]any) {
			held += k.(map[string]any)["data"].(string)
		}
		pressed = append(pressed, held)
		return map[string]any{}
	})
	for keys, want := range map[string]string{"W7-s1\r": "shiftw 7 minus s 1 ret", "F2": "f2", "F12": "f12", "F": "shiftf", "10.7/8 \x1b": "1 0 dot 7 slash 8 spc esc"} {
		pressed = nil
		if err := m.Press(t.Context(), keys); err != nil || strings.Join(pressed, " ") != want {
			t.Errorf("%q: %q, %v, want %q", keys, pressed, err, want)
		}
	}
	if err := m.Press(t.Context(), "a_b"); err == nil || !strings.Contains(err.Error(), "'_'") {
		t.Errorf("a key that is not known: %v", err)
	}
}

// TestDisplayOfQEMU reads what SeaBIOS shows.
func TestDisplayOfQEMU(t *testing.T) {
	c := echoMachine(t)
	c.Display = true
	m, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Kill()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		shown, err := m.Display(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown, "Booting from Hard Disk") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the screen shows\n%s", shown)
		}
	}
}
