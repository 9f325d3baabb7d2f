package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/bootward/bootward/internal/supervisor"
)

// Updates implements step.Updates by apt-get. Its zero value is that of the running system.
type Updates struct {
	// Environment is added to that of apt and dpkg.
	Environment []string
	// Root is where the system is; / when empty.
	Root string
	// LockWait is how long other package managers are waited for, LockPause between two looks;
	// 15 minutes and 5 seconds when 0.
	LockWait, LockPause time.Duration
	// Say shows a line.
	Say func(string)
}

// aptOptions make apt ask nobody: configuration files that were changed stay. An index that
// cannot be fetched is an error and no old one takes its place (apt-get(8), apt.conf(5)).
var aptOptions = []string{"-y", "-q", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
	"-o", "APT::Update::Error-Mode=any", "-o", "Dpkg::Use-Pty=0"}

// Install implements step.Updates.
func (u Updates) Install(ctx context.Context, mandatory bool) (output string, restart bool, err error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", false, errors.New("this system has no apt-get: updates are installed on Debian and its kin; leave the step out, or give it a condition on the operating system")
	}
	// A power cut may have left packages half configured; then apt refuses everything.
	if output, err = u.run(ctx, "dpkg", "--force-confdef", "--force-confold", "--configure", "-a"); err != nil {
		return output, false, err
	}
	if output, err = u.apt(ctx, "update"); err != nil {
		return output, false, err
	}
	plan, err := u.apt(ctx, "--simulate", "--with-new-pkgs", "upgrade")
	if err != nil {
		return plan, false, err
	}
	all := parseInstalls(plan)
	arguments := []string{"--with-new-pkgs", "upgrade"}
	if mandatory {
		arguments, all = mandatoryUpdates(all)
	}
	if len(all) == 0 {
		return "there are no updates", false, nil
	}
	u.Say(fmt.Sprintf("install %d updates", len(all)))
	if output, err = u.apt(ctx, arguments...); err != nil {
		return output, false, err
	}
	restart, err = u.wantsRestart(all)
	return fmt.Sprintf("%d updates: %s\n%s", len(all), strings.Join(titles(all), " "), output), restart, err
}

// mandatoryUpdates chooses those of the security archive, and how apt installs them and nothing
// else but what they need.
func mandatoryUpdates(all []aptInstall) (arguments []string, chosen []aptInstall) {
	arguments = []string{"--no-remove", "install"}
	for _, i := range all {
		if !i.security() {
			continue
		}
		chosen = append(chosen, i)
		if !i.added { // what is new comes by what needs it, and can go with that
			arguments = append(arguments, i.name+"="+i.version)
		}
	}
	if len(arguments) == 2 {
		return nil, nil
	}
	return arguments, chosen
}

func titles(all []aptInstall) []string {
	var out []string
	for _, i := range all {
		out = append(out, i.name+"="+i.version)
	}
	return out
}

// wantsRestart says whether a package asked for a restart, or another kernel waits for one: Debian
// has no file for that if no other program makes it.
func (u Updates) wantsRestart(all []aptInstall) (bool, error) {
	if slices.ContainsFunc(all, func(i aptInstall) bool { return strings.HasPrefix(i.name, "linux-image-") }) {
		return true, nil
	}
	_, err := os.Stat(filepath.Join("/", u.Root, "run/reboot-required"))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (u Updates) apt(ctx context.Context, arguments ...string) (string, error) {
	return u.run(ctx, "apt-get", slices.Concat(aptOptions, arguments)...)
}

// run runs a program of the package management. Where another one holds a lock, it waits.
func (u Updates) run(ctx context.Context, name string, arguments ...string) (string, error) {
	wait, pause := u.LockWait, u.LockPause
	if wait == 0 {
		wait, pause = 15*time.Minute, 5*time.Second
	}
	end, said := time.Now().Add(wait), false
	for {
		output, err := u.once(ctx, name, arguments...)
		switch {
		case err == nil || ctx.Err() != nil || !isLocked(output):
			return output, err
		case time.Now().After(end):
			return output, fmt.Errorf("another package manager holds the lock for more than %s: %w; end it, or wait for it in a step before this one", wait, err)
		case !said:
			u.Say("another package manager is at work; waiting for it")
			said = true
		}
		supervisor.Sleep(ctx, pause)
	}
}

// isLocked says whether somebody else holds a lock. apt waits for dpkg's by itself, if it is told
// to, but not for that of the indexes.
func isLocked(output string) bool {
	return strings.Contains(output, "Could not get lock") || strings.Contains(output, "Unable to acquire the dpkg frontend lock") ||
		strings.Contains(output, "locked by another process")
}

func (u Updates) once(ctx context.Context, name string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none", "LC_ALL=C.UTF-8",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.Env = append(cmd.Env, u.Environment...)
	var out bytes.Buffer // the whole: a plan is read from it
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	err := run(cmd)
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s: it was ended: %w", name, ctx.Err())
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // that: a service that it started holds its outputs
		err = fmt.Errorf("%s: %w", name, err)
	default:
		err = nil
	}
	return out.String(), err
}
