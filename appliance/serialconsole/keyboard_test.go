package serialconsole

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
)

// parrot repeats lines, and asks for something hidden after "ask".
type parrot struct{ asked bool }

func (p *parrot) Prompt() (string, bool) {
	if p.asked {
		return "PIN: ", true
	}
	return "> ", false
}

func (p *parrot) Line(_ context.Context, line string) []string {
	was := p.asked
	if p.asked = line == "ask"; p.asked || line == "" && !was {
		return nil
	}
	return []string{fmt.Sprintf("heard %d: \x1b[2J%s", len(line), line)}
}

func (p *parrot) Interrupt() { p.asked = false }

func (p *parrot) Idle() []string { return nil }

// session runs a console at which somebody types. State changes with each call of
// change.
func session(t *testing.T, do func(typed func(string), change func(), out func() string, screen *Screen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		screen := NewScreen(&out)
		var changed supervisor.Signal
		keys := make(chan byte)
		var mu sync.Mutex
		s := State{Box: "ward-7", Site: "CEN", NotReady: "no policy", Keyboard: true}
		c := &Console{Out: screen, Changed: changed.Changed, State: func(context.Context) State { mu.Lock(); defer mu.Unlock(); return s },
			Uptime: func() (time.Duration, error) { return time.Second, nil }, Keys: keys, Input: &parrot{}}
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		do(func(text string) {
			for i := range len(text) {
				keys <- text[i]
			}
			synctest.Wait()
		}, func() {
			mu.Lock()
			s.Alarms = append(slices.Clone(s.Alarms), fmt.Sprintf("alarm %d", len(s.Alarms)+1))
			mu.Unlock()
			changed.Notify()
			time.Sleep(3 * time.Second)
			synctest.Wait()
		}, func() string {
			screen.mu.Lock()
			defer screen.mu.Unlock()
			defer out.Reset()
			return out.String()
		}, screen)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestTyping: what stands on the screen while somebody types.
func TestTyping(t *testing.T) {
	session(t, func(typed func(string), change func(), out func() string, screen *Screen) {
		want := func(what, wanted string) {
			t.Helper()
			if got := out(); got != wanted {
				t.Errorf("%s: %q, want %q", what, got, wanted)
			}
		}
		if first := out(); !strings.Contains(first, "console   press Enter and type help\n  state     not ready") || strings.Contains(first, "> ") {
			t.Errorf("before anything is typed: %q", first)
		}
		fmt.Fprint(screen, "a line of the log\n")
		want("a log line while nobody types", "a line of the log\n")
		typed("\r")
		want("the first Enter", "> ")
		typed("helo\x7fp")
		want("typing", "helo\b \bp")
		fmt.Fprint(screen, "a line of the log\n")
		want("a log line above it", "\r      \ra line of the log\n> help")
		change()
		want("a block is held back", "")
		typed("\r\n")
		want("the line", "\nheard 4: ?[2Jhelp\n> ")
		change()
		if got := out(); !strings.HasPrefix(got, "\r  \r---") || strings.Count(got, "---\n") != 1 || !strings.Contains(got, "alarm 2") || !strings.HasSuffix(got, "\n> ") {
			t.Errorf("the block that was held back: %q", got)
		}
		typed("half\x03")
		want("Ctrl-C", "half\n> ")
		typed("half\x15x\r")
		want("Ctrl-U", "half\r      \r> x\nheard 1: ?[2Jx\n> ")
		typed("ask\r")
		want("a question", "ask\nPIN: ")
		change()
		typed("12\x7f34")
		want("stars", "**\b \b**")
		typed("\x03")
		want("Ctrl-C at the question", "\n> ")
		typed("ask\r12\r")
		want("a PIN", "ask\nPIN: **\nheard 2: ?[2J12\n> ")
	})
}

// TestNobodyGoesOn: a line that was begun does not hold blocks back for ever, and
// without anybody there the prompt goes.
func TestNobodyGoesOn(t *testing.T) {
	session(t, func(typed func(string), change func(), out func() string, _ *Screen) {
		typed("\rask\r12")
		change()
		if got := out(); strings.Contains(got, "alarm 1") {
			t.Errorf("a block tore the line: %q", got)
		}
		time.Sleep(lineWait + lookEvery)
		change()
		if got := out(); !strings.Contains(got, "\r       \r> ") || !strings.Contains(got, "alarm 1") || strings.Count(got, "---\n") != 2 {
			t.Errorf("after half a minute: %q", got)
		}
		time.Sleep(awayAfter)
		if got := out(); !strings.HasSuffix(got, "\r  \r") {
			t.Errorf("the prompt stands there: %q", got)
		}
		change()
		if got := out(); !strings.HasPrefix(got, "---") || strings.HasSuffix(got, "> ") {
			t.Errorf("without a prompt: %q", got)
		}
	})
}

// TestKeysEnd: a terminal that goes away ends nothing.
func TestKeysEnd(t *testing.T) {
	keys := Keys(t.Context(), strings.NewReader("ab"))
	var got []byte
	for k := range keys {
		got = append(got, k)
	}
	if string(got) != "ab" {
		t.Errorf("%q", got)
	}
}

// FuzzKeys pastes anything: lines are short and printable, and nothing else
// reaches the terminal.
func FuzzKeys(f *testing.F) {
	for _, seed := range []string{"help\r", "ask\r123\r", "\x1b[A\x1bOPx\r\n", "\x1b[99999999999999999999999m\r", "\x00\xff\xfe\x03\x15\x7f\x08", strings.Repeat("x", 500) + "\r", "ä\r\r\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, pasted []byte) {
		var out bytes.Buffer
		heard := &listener{t: t}
		k := &keyboard{screen: NewScreen(&out), input: heard}
		for _, b := range pasted {
			if err := k.press(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if len(k.editor.line) > maxLine || len(k.screen.line) >= width {
				t.Fatalf("a line of %d, %q", len(k.editor.line), k.screen.line)
			}
		}
		for _, b := range out.Bytes() {
			if (b < 0x20 || b > 0x7e) && b != '\n' && b != '\r' && b != '\b' {
				t.Errorf("byte %#x reaches the terminal", b)
			}
		}
		k.last = time.Now().Add(-awayAfter)
		if err := k.look(); err != nil {
			t.Fatal(err)
		}
		if k.busy() {
			t.Error("a line that nobody goes on with is still there")
		}
	})
}

type listener struct {
	t *testing.T
	parrot
}

func (l *listener) Line(ctx context.Context, line string) []string {
	if len(line) > maxLine || strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		l.t.Errorf("line %q", line)
	}
	return l.parrot.Line(ctx, line)
}
