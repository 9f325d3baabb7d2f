package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

// Windows is what the step Apply Windows Settings sets, in its meaning for a Linux system.
type Windows struct {
	TimeZone     string // as under /usr/share/zoneinfo, or Windows' name; empty leaves the image's
	Locale       string // such as de_DE.UTF-8; empty leaves the image's
	Registration        // empty leaves the image's
	// Password is root's; empty disables the account. It goes nowhere but, hashed, into /etc/shadow.
	Password string
}

// ApplyWindows writes the settings into the system at dir; a locale that has to be compiled first is compiled by the
// system's own locale-gen. It may be repeated.
func ApplyWindows(ctx context.Context, dir string, w Windows, run tool.Runner, now time.Time) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("apply settings: %w", err)
	}
	defer root.Close()
	err = timeZone(root, Settings{TimeZone: w.TimeZone})
	if err == nil {
		err = locale(ctx, root, w.Locale, run)
	}
	if err == nil {
		err = register(root, w.Registration)
	}
	if err == nil {
		err = administrator(root, w.Password, now)
	}
	if err != nil {
		return fmt.Errorf("apply settings to %s: %w", dir, err)
	}
	return nil
}

// ReadWindows reads the settings of the system at dir, all but the password. What it does not have stays empty.
func ReadWindows(dir string) (Windows, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Windows{}, fmt.Errorf("read settings: %w", err)
	}
	defer root.Close()
	var w Windows
	registration, errR := optional(root, registrationFile)
	language, errL := optional(root, localeFile)
	zone, errZ := readZone(root)
	if err := errors.Join(errR, errL, errZ); err != nil {
		return w, fmt.Errorf("read settings of %s: %w", dir, err)
	}
	names := assignments(registration)
	w.Registration = Registration{Owner: names["OWNER"], Organization: names["ORGANIZATION"]}
	w.TimeZone, w.Locale = zone, assignments(language)["LANG"]
	return w, nil
}

func optional(root *os.Root, name string) ([]byte, error) {
	raw, err := root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// readZone reads where /etc/localtime points (localtime(5)), or else /etc/timezone.
func readZone(root *os.Root) (string, error) {
	if target, err := root.Readlink("etc/localtime"); err == nil {
		if _, zone, ok := strings.Cut(target, "/zoneinfo/"); ok && zoneName.MatchString(zone) {
			return zone, nil
		}
	}
	raw, err := optional(root, "etc/timezone")
	return strings.TrimSpace(string(raw)), err
}
