package facts

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/bootward/bootward/osd/inventory"
)

// maxRelease bounds os-release, in bytes.
const maxRelease = 64 << 10

// OperatingSystem implements sequence.Facts.
func (m *Machine) OperatingSystem() (id, version string, found bool, err error) {
	s, found, err := m.system()
	return s.ID, s.Version, found, err
}

func (m *Machine) system() (s inventory.System, found bool, err error) {
	err = m.open(func(root *os.Root) error {
		for _, name := range []string{"etc/os-release", "usr/lib/os-release"} { // in this order: os-release(5)
			f, err := regular(root, name)
			if missing(err) {
				continue
			}
			if err != nil {
				return err
			}
			defer f.Close()
			text, err := io.ReadAll(io.LimitReader(f, maxRelease))
			s, found = parseRelease(text), true
			return err
		}
		return nil
	})
	return s, found, err
}

// parseRelease reads os-release(5). A system without an ID is "linux", as the manual says.
func parseRelease(text []byte) inventory.System {
	s := inventory.System{ID: "linux"}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxRelease+1)
	for lines.Scan() {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok {
			continue
		}
		switch value = unquote(value); key {
		case "ID":
			s.ID = value
		case "VERSION_ID":
			s.Version = value
		case "PRETTY_NAME":
			s.Name = value
		}
	}
	return s
}

// unquote takes the quotes of a shell off a value. Within double ones a backslash stands before
// what it keeps.
func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	inner := s[1 : len(s)-1]
	if s[0] == '\'' {
		return inner
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) && strings.IndexByte("\"\\$`", inner[i+1]) >= 0 {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}
