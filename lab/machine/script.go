package machine

import (
	"fmt"
	"strings"
)

// Script returns a shell script that runs the machine by hand with the very command of the lab, except that the serial
// console is the terminal that it is run from: the lab listens on sockets in their place, and the comments show how.
func Script(c Config) string {
	argv := Args(c)
	if c.Namespace != "" {
		argv = append([]string{"ip", "netns", "exec", c.Namespace}, argv...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Machine %s, as the lab ran it, with its console on this terminal. The lab gave these two:\n", c.Name)
	fmt.Fprintf(&b, "#   -chardev %s\n#   -chardev %s\n", serialChardev, qmpChardev)
	if len(c.NICs) > 0 {
		b.WriteString("# Its network must be there: run the lab with its machines kept.\n")
	}
	b.WriteString("cd \"$(dirname \"$0\")\" || exit 1\n")
	if c.TPM {
		b.WriteString(strings.Join(append(swtpm("path="+tpmSocket), "--daemon"), " ") + " || exit 1\n")
	}
	b.WriteString("exec")
	for _, arg := range argv {
		switch arg {
		case serialChardev:
			arg = "stdio,id=serial0,signal=off"
		case qmpChardev:
			arg = "null,id=qmp0"
		}
		separator := " "
		if strings.HasPrefix(arg, "-") {
			separator = " \\\n  "
		}
		b.WriteString(separator + quote(arg))
	}
	b.WriteString("\n")
	return b.String()
}

// quote makes one word of the shell.
func quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:,@%+"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
