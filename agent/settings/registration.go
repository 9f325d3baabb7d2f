package settings

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/bootward/bootward/agent/tree"
)

// Registration says whose the machine is: the registered owner and organization of Windows, for
// which Linux has no file of its own.
type Registration struct{ Owner, Organization string }

// registrationFile has the syntax of os-release(5), so that a shell can read it.
const registrationFile = "etc/bootward/registration"

// register writes the file. Without both values it stays as the image has it.
func register(root *os.Root, r Registration) error {
	if r == (Registration{}) {
		return nil
	}
	if err := root.MkdirAll("etc/bootward", 0o755); err != nil {
		return err
	}
	return tree.Write(root, registrationFile, r.file())
}

func (r Registration) file() []byte {
	return fmt.Appendf(nil, "# Written by the deployment.\nOWNER=%s\nORGANIZATION=%s\n", shellQuote(r.Owner), shellQuote(r.Organization))
}

// shellEscapes are the characters that stand behind a backslash in double quotes (os-release(5)).
func shellEscapes() *strings.Replacer {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`", "\n", " ")
}

func shellQuote(s string) string { return `"` + shellEscapes().Replace(s) + `"` }

// assignments reads lines of NAME=value as a shell would, for the files that this package writes:
// os-release(5), locale.conf(5).
func assignments(data []byte) map[string]string {
	out := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		name, value, ok := strings.Cut(strings.TrimSpace(s.Text()), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		out[name] = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(value)
	}
	return out
}
