package settings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/diskfs/tool"
)

const (
	localeFile  = "etc/default/locale"
	localeList  = "etc/locale.gen"
	localeGen   = "/usr/sbin/locale-gen"
	localeData  = "usr/lib/locale/locale-archive"
	localeNames = "usr/share/i18n/SUPPORTED"
)

// localeName is language, territory, character set and modifier, as locale(7) has them.
var localeName = regexp.MustCompile(`^[A-Za-z]{1,8}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z0-9]+)?$`)

// locale makes a locale the system's. The image must have it compiled, or have what it is compiled from (package
// locales of Debian).
func locale(ctx context.Context, root *os.Root, name string, run tool.Runner) error {
	if name == "" {
		return nil
	}
	if !localeName.MatchString(name) {
		return fmt.Errorf("locale %q: want a name such as de_DE.UTF-8", name)
	}
	if !compiled(root, name) {
		if err := generate(ctx, root, name, run); err != nil {
			return fmt.Errorf("locale %s: %w", name, err)
		}
	}
	if err := root.MkdirAll("etc/default", 0o755); err != nil {
		return err
	}
	return tree.Write(root, localeFile, []byte("LANG="+name+"\n"))
}

// compiled says whether the C library of the system has the locale: built in, in a folder of its own or in the
// archive, where character sets are written in small letters without hyphens (de_DE.utf8).
func compiled(root *os.Root, name string) bool {
	if name == "C" || name == "POSIX" {
		return true
	}
	base, modifier, _ := strings.Cut(name, "@")
	base, charset, _ := strings.Cut(base, ".")
	short := base
	if charset != "" {
		short += "." + strings.ReplaceAll(strings.ToLower(charset), "-", "")
	}
	if modifier != "" {
		short += "@" + modifier
	}
	for _, dir := range []string{short, name} {
		if _, err := root.Stat("usr/lib/locale/" + dir); err == nil {
			return true
		}
	}
	archive, err := root.ReadFile(localeData)
	return err == nil && bytes.Contains(archive, []byte("\x00"+short+"\x00"))
}

// generate puts the locale into locale.gen and has the system compile it.
func generate(ctx context.Context, root *os.Root, name string, run tool.Runner) error {
	for _, needed := range []string{localeGen[1:], localeNames} {
		if _, err := root.Stat(needed); err != nil {
			return fmt.Errorf("the image neither has it nor can make it; put the package locales into the image: %w", err)
		}
	}
	supported, err := root.ReadFile(localeNames)
	if err != nil {
		return err
	}
	entry := supportedLine(supported, name)
	if entry == "" {
		return errors.New("the image's package locales does not know it; correct the name, or choose one of /" + localeNames)
	}
	list, err := root.ReadFile(localeList)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !hasLine(list, entry) {
		list = append(bytes.TrimRight(list, "\n"), "\n"+entry+"\n"...)
		if err := tree.Write(root, localeList, bytes.TrimLeft(list, "\n")); err != nil {
			return err
		}
	}
	return run.Run(ctx, tool.Command{Path: localeGen, Args: []string{"--keep-existing"}, Root: root.Name()})
}

// supportedLine is the line of SUPPORTED that begins with the name.
func supportedLine(supported []byte, name string) string {
	for line := range bytes.Lines(supported) {
		if f := strings.Fields(string(line)); len(f) == 2 && f[0] == name {
			return f[0] + " " + f[1]
		}
	}
	return ""
}

func hasLine(text []byte, want string) bool {
	for line := range bytes.Lines(text) {
		if string(bytes.TrimSpace(line)) == want {
			return true
		}
	}
	return false
}
