package settings

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/tree"
)

// disabled is the password field of an account that nobody can log on to by password. It begins
// with '!', the sign by which sshd knows a locked account where it does not ask PAM; it is no
// hash, and `passwd -u` cannot make an empty password of it.
const disabled = "!*"

// maxPassword bounds the work of hashing, in bytes.
const maxPassword = 512

// administrator gives root a password, or disables the account.
func administrator(root *os.Root, password string, now time.Time) error {
	if len(password) > maxPassword || strings.ContainsAny(password, "\x00\r\n") {
		return fmt.Errorf("the administrator's password is longer than %d bytes or holds a line end", maxPassword)
	}
	field := disabled
	if password != "" {
		field = hashPassword(password)
	}
	return tree.Edit(root, "etc/shadow", func(shadow []byte) ([]byte, error) { return setPassword(shadow, "root", field, now) })
}

// setPassword changes the password of one account in a shadow file (shadow(5)), and the day of
// its last change.
func setPassword(shadow []byte, account, field string, now time.Time) ([]byte, error) {
	var out bytes.Buffer
	found := false
	for line := range bytes.Lines(shadow) {
		parts := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
		if parts[0] != account || found {
			out.Write(line)
			continue
		}
		if len(parts) != 9 {
			return nil, fmt.Errorf("the line of %s has %d fields, not 9", account, len(parts))
		}
		found = true
		parts[1], parts[2] = field, strconv.FormatInt(now.Unix()/86400, 10)
		out.WriteString(strings.Join(parts, ":") + "\n")
	}
	if !found {
		return nil, errors.New("it has no line for " + account + "; put the account into the image")
	}
	return out.Bytes(), nil
}
