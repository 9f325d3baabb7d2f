package facts

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// dpkgStatus is what dpkg knows of its packages (dpkg-query(1)).
const dpkgStatus = "var/lib/dpkg/status"

// Limits of dpkg's file, in bytes: of a line, the rest of which is passed over, and of all.
const (
	maxStatusLine = 4 << 10
	maxStatus     = 512 << 20
)

// Software implements sequence.Facts: a package of dpkg, such as samba or libc6:amd64.
func (m *Machine) Software(name string) (version string, found bool, err error) {
	err = m.open(func(root *os.Root) error {
		f, err := regular(root, dpkgStatus)
		if missing(err) {
			return m.without()
		}
		if err != nil {
			return err
		}
		defer f.Close()
		limited := &io.LimitedReader{R: f, N: maxStatus}
		version, found, err = installed(limited, name)
		if err == nil && !found && limited.N == 0 {
			err = fmt.Errorf("/%s is larger than %d bytes", dpkgStatus, maxStatus)
		}
		return err
	})
	return version, found, err
}

// without is for a system without dpkg: nothing is installed in a boot image, but of another
// distribution nobody knows.
func (m *Machine) without() error {
	s, found, err := m.system()
	if err == nil && found {
		err = fmt.Errorf("the system (%s) has no database of dpkg, and others cannot be asked", s.ID)
	}
	return err
}

// paragraph is one package of the file.
type paragraph struct{ name, architecture, status, version string }

// is says whether the paragraph is an installed package of a name. Packages whose triggers are
// due are installed (dpkg(1)).
func (p paragraph) is(name, architecture string) bool {
	fields := strings.Fields(p.status) // what is wanted, errors, state
	if len(fields) != 3 || !strings.EqualFold(p.name, name) || architecture != "" && p.architecture != architecture {
		return false
	}
	return fields[2] == "installed" || strings.HasPrefix(fields[2], "triggers-")
}

// installed looks for a package; of several architectures the first counts.
func installed(r io.Reader, name string) (version string, found bool, err error) {
	name, architecture, _ := strings.Cut(name, ":")
	var p paragraph
	lines := bufio.NewReaderSize(r, maxStatusLine)
	for {
		line, err := firstOfLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", false, err
		}
		if line == "" && p.is(name, architecture) {
			return p.version, true, nil
		}
		if err != nil {
			return "", false, nil
		}
		p = p.with(line)
	}
}

// with takes a line in; an empty one ends the paragraph.
func (p paragraph) with(line string) paragraph {
	if line == "" {
		return paragraph{}
	}
	key, value, _ := strings.Cut(line, ":")
	switch value = strings.TrimSpace(value); strings.ToLower(key) {
	case "package":
		p.name = value
	case "architecture":
		p.architecture = value
	case "status":
		p.status = value
	case "version":
		p.version = value
	}
	return p
}

// firstOfLine is the next line, or the beginning of a long one.
func firstOfLine(r *bufio.Reader) (string, error) {
	line, more, err := r.ReadLine()
	text := string(line)
	for more && err == nil {
		_, more, err = r.ReadLine()
	}
	return strings.TrimRight(text, " \t\r"), err
}
