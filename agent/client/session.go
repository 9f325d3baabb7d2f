package client

import (
	"bytes"
	"regexp"
	"strings"
)

// Session is somebody who is signed in.
type Session struct {
	ID   string
	User string
	// Terminal is that of the session below /dev: tty2 or pts/0; empty when it has
	// none, as a session of a desktop.
	Terminal string
}

// maxSession is the longest file of a session that is read, in bytes.
const maxSession = 16 << 10

var (
	sessionID    = regexp.MustCompile(`^[0-9A-Za-z]{1,32}$`)
	terminalName = regexp.MustCompile(`^(tty[0-9A-Za-z]{1,16}|pts/[0-9]{1,8})$`)
)

// ParseSession reads a file of /run/systemd/sessions: lines KEY=value, as logind
// of systemd 232 to 257 writes them. It is false for what is no person, and for
// one whose session is being opened or has been closed: what he left running
// does not make him be there.
func ParseSession(id string, file []byte) (Session, bool) {
	if !sessionID.MatchString(id) || len(file) > maxSession {
		return Session{}, false
	}
	values := map[string]string{}
	for line := range bytes.Lines(file) {
		if k, v, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), "="); ok {
			values[k] = strings.Trim(v, `"`)
		}
	}
	switch values["CLASS"] {
	case "user", "user-early", "user-light", "user-early-light":
	default: // greeter, lock-screen, background, manager
		return Session{}, false
	}
	if state := values["STATE"]; state != "online" && state != "active" {
		return Session{}, false
	}
	s := Session{ID: id, User: plain(values["USER"])}
	if t := strings.TrimPrefix(values["TTY"], "/dev/"); terminalName.MatchString(t) {
		s.Terminal = t
	}
	return s, true
}

// plain takes the power over terminals out of a text.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
