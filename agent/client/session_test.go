package client

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sessionFile is one that logind 252 wrote for somebody who came by SSH.
const sessionFile = `# This is private data. Do not parse.
UID=1000
USER=ann
ACTIVE=1
IS_DISPLAY=1
STATE=active
REMOTE=1
TYPE=tty
ORIGINAL_TYPE=tty
CLASS=user
SCOPE=session-3.scope
FIFO=/run/systemd/sessions/3.ref
REMOTE_HOST=192.0.2.7
SERVICE=sshd
TTY=pts/0
LEADER=912
AUDIT=3
REALTIME=1764000000000000
MONOTONIC=52000000
`

func TestParseSession(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(sessionFile, old, new, 1) }
	for _, tt := range []struct {
		name, id, file string
		want           Session
		ok             bool
	}{
		{"by SSH", "3", sessionFile, Session{"3", "ann", "pts/0"}, true},
		{"at the machine", "c1", with("TTY=pts/0", "TTY=tty2"), Session{"c1", "ann", "tty2"}, true},
		{"in the background of the screen", "3", with("STATE=active", "STATE=online"), Session{"3", "ann", "pts/0"}, true},
		{"desktop", "3", with("TTY=pts/0\n", ""), Session{"3", "ann", ""}, true},
		{"closing", "3", with("STATE=active", "STATE=closing"), Session{}, false},
		{"opening", "3", with("STATE=active", "STATE=opening"), Session{}, false},
		{"greeter", "3", with("CLASS=user", "CLASS=greeter"), Session{}, false},
		{"cron", "3", with("CLASS=user", "CLASS=background"), Session{}, false},
		{"manager of systemd 256", "3", with("CLASS=user", "CLASS=manager"), Session{}, false},
		{"light", "3", with("CLASS=user", "CLASS=user-light"), Session{"3", "ann", "pts/0"}, true},
		{"half written", "3", sessionFile[:40], Session{}, false},
		{"a file beside", "3.ref", sessionFile, Session{}, false},
		{"a new file", ".#3abc", sessionFile, Session{}, false},
		{"out of /dev", "3", with("TTY=pts/0", "TTY=pts/../../etc/passwd"), Session{"3", "ann", ""}, true},
		{"a disk for a terminal", "3", with("TTY=pts/0", "TTY=sda"), Session{"3", "ann", ""}, true},
		{"a name that moves the cursor", "3", with("USER=ann", "USER=\x1b[2Jann"), Session{"3", "[2Jann", "pts/0"}, true},
	} {
		got, ok := ParseSession(tt.id, []byte(tt.file))
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
}

// FuzzParseSession: whatever stands in a file, what comes out of it names a
// terminal below /dev and moves no cursor.
func FuzzParseSession(f *testing.F) {
	f.Add("3", []byte(sessionFile))
	f.Add("c1", []byte("CLASS=user\nSTATE=active\nTTY=/dev/tty1\nUSER=\"x\"\n"))
	f.Add("3", []byte("CLASS=user\r\nSTATE=online\r\nTTY=pts/"))
	f.Fuzz(func(t *testing.T, id string, file []byte) {
		s, ok := ParseSession(id, file)
		if !ok {
			if s != (Session{}) {
				t.Errorf("%+v of what is nobody", s)
			}
			return
		}
		if s.Terminal != "" && !filepath.IsLocal(s.Terminal) || strings.ContainsFunc(s.User, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%+q", s)
		}
	})
}

// sessions writes session files as logind does.
type sessions struct {
	t   *testing.T
	dir string
}

func (s sessions) open(id, tty string) {
	text := strings.Replace(sessionFile, "TTY=pts/0", "TTY="+tty, 1)
	if err := os.WriteFile(filepath.Join(s.dir, ".#"+id), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, ".#"+id), filepath.Join(s.dir, id)); err != nil {
		s.t.Fatal(err)
	}
}

func (s sessions) close(id string) {
	if err := os.Remove(filepath.Join(s.dir, id)); err != nil {
		s.t.Fatal(err)
	}
}

// TestPeople: who comes and goes is seen at once.
func TestPeople(t *testing.T) {
	s := sessions{t, t.TempDir()}
	p := NewPeople(s.dir, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	deadline := time.After(10 * time.Second)
	until := func(n int) {
		t.Helper()
		for {
			here, err := p.List()
			if err != nil {
				t.Fatal(err)
			}
			if len(here) == n {
				return
			}
			select {
			case <-p.Changed():
			case <-deadline:
				t.Fatalf("%d are here, want %d", len(here), n)
			}
		}
	}
	until(0)
	s.open("3", "pts/0")
	until(1)
	s.open("c2", "tty2")
	until(2)
	s.close("3")
	until(1)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTell: only terminals are written to, and a pipe that stands there holds
// nobody up.
func TestTell(t *testing.T) {
	dev := t.TempDir()
	if err := os.WriteFile(filepath.Join(dev, "tty1"), []byte("file"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := NewPeople(t.TempDir(), dev)
	if err := p.Tell([]Session{{ID: "1", User: "ann", Terminal: "tty1"}}, "text"); err == nil || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("got %v", err)
	}
	if raw, _ := os.ReadFile(filepath.Join(dev, "tty1")); string(raw) != "file" {
		t.Errorf("the file holds %q", raw)
	}
	if err := p.Tell([]Session{{ID: "2", User: "bob"}}, "text"); err != nil {
		t.Errorf("a desktop: %v", err)
	}
	if err := p.Tell([]Session{{ID: "2", User: "bob", Terminal: "pts/9"}}, "text"); err == nil {
		t.Error("a terminal that is gone was written to")
	}
}

// TestTellTerminal: a real terminal shows the text, without what could move its
// cursor, and one whose reader has stopped holds nobody up.
func TestTellTerminal(t *testing.T) {
	master, name := terminal(t)
	p := NewPeople(t.TempDir(), "/dev")
	here := []Session{{ID: "1", User: "ann", Terminal: name}}
	if err := p.Tell(here, "Save your work.\x1b[2J"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := master.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "Save your work.[2J") || strings.Contains(string(buf[:n]), "\x1b") {
		t.Errorf("the terminal shows %q, %v", buf[:n], err)
	}
	var full error
	for range 1000 { // nobody reads
		if full = p.Tell(here, strings.Repeat("x", 1000)); full != nil {
			break
		}
	}
	if full == nil {
		t.Log("this kernel's terminal took a megabyte; what counts is that it came back")
	}
}

// terminal makes a pseudo-terminal and keeps it open.
func terminal(t *testing.T) (master *os.File, name string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	name = fmt.Sprintf("pts/%d", n)
	slave, err := os.OpenFile("/dev/"+name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, name
}
