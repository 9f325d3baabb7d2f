package machine

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTerminal(t *testing.T) {
	for _, tt := range []struct{ name, written, want string }{
		{"lines", "one\r\ntwo\r\n", "one\ntwo"},
		{"over a line", "25 %\r100", "100%"},
		{"a page, and a change in it", "noise\x1b[r\x1b[H\x1b[J\x1b[?7lName: \r\nKeys\x1b[1;7Hwar\x1b[1;9H\x1b[K\x1b[1;9Hd", "Name: wad\nKeys"},
		{"cleared", "one\r\ntwo\x1b[2J", ""},
		{"cut at the right edge", strings.Repeat("x", 90), strings.Repeat("x", 80)},
		{"a region scrolls", "\x1b[22;1Htop\x1b[24;1Hpanel\x1b[1;23r\x1b[23;1Hlast\r\nnext", strings.Repeat("\n", 20) + "top\nlast\nnext\npanel"},
		{"the whole scrolls", strings.Repeat("x\r\n", 24) + "end", strings.Repeat("x\n", 23) + "end"},
		{"others change nothing", "\x1b(Ba\x1b7\x1b[1;31mb\x1b[mc\x07\x00d", "abcd"},
		{"beyond ASCII", "grün \xff", "grün �"},
		{"no sequence", "\x1b[" + strings.Repeat("1", 70) + "Hx", strings.Repeat("1", 70) + "Hx"},
		{"coordinates beyond the screen", "\x1b[99;99Hx\x1b[0;0Hy\x1b[9;2rz", "z" + strings.Repeat("\n", 23) + strings.Repeat(" ", 79) + "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole, bytewise := newTerminal(), newTerminal()
			whole.write([]byte(tt.written))
			for i := range len(tt.written) {
				bytewise.write([]byte{tt.written[i]})
			}
			for _, m := range []*terminal{whole, bytewise} {
				if got := strings.TrimRight(m.text(), "\n"); got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			}
		})
	}
}

func TestTerminalWait(t *testing.T) {
	m, found := newTerminal(), make(chan string)
	go func() {
		shown, _, _ := m.wait(t.Context(), regexp.MustCompile(`(?m)^Number: 1$`))
		found <- shown
	}()
	m.write([]byte("Number: "))
	m.write([]byte("1"))
	if got := <-found; !strings.HasPrefix(got, "Number: 1\n") {
		t.Errorf("got %q", got)
	}
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if shown, ok, err := m.wait(late, regexp.MustCompile("never")); ok || err == nil || !strings.Contains(shown, "Number") {
		t.Errorf("%q, %v, %v", shown, ok, err)
	}
	m.close()
	if _, ok, err := m.wait(t.Context(), regexp.MustCompile("never")); ok || err != nil {
		t.Errorf("closed: %v, %v", ok, err)
	}
}

func FuzzTerminal(f *testing.F) {
	f.Add([]byte("a\x1b[2;3Hb\x1b[1;5r\n\n\x1b[K\x1b[J\x1b(0\xc3\xbc\t\b\r"))
	f.Add([]byte("\x1b[99999999999;-7H\x1b[;r\x1b["))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := newTerminal()
		m.write(in[:len(in)/2])
		m.write(in[len(in)/2:])
		lines := strings.Split(m.text(), "\n")
		if len(lines) != rows || len(m.held) > maxControl {
			t.Fatalf("%d lines, %d bytes held", len(lines), len(m.held))
		}
		for _, l := range lines {
			if utf8.RuneCountInString(l) > columns {
				t.Fatalf("a line of %d characters", utf8.RuneCountInString(l))
			}
		}
	})
}
