package machine

import (
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// runAs makes a process run as a user of this system, with his groups and in his name.
func runAs(cmd *exec.Cmd, name string) error {
	u, err := user.Lookup(name)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return fmt.Errorf("run as %s: this system has no such user; make him in a step before this one", name)
	}
	if err != nil {
		return fmt.Errorf("run as %s: %w", name, err)
	}
	credential, err := credential(u)
	if err != nil {
		return fmt.Errorf("run as %s: %w", name, err)
	}
	cmd.SysProcAttr.Credential = credential
	cmd.Env = append(cmd.Env, "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username)
	return nil
}

func credential(u *user.User) (*syscall.Credential, error) {
	texts, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, 0, len(texts)+2)
	for _, text := range append([]string{u.Uid, u.Gid}, texts...) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("id %q: %w", text, err)
		}
		ids = append(ids, uint32(id))
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1], Groups: ids[2:]}, nil
}
