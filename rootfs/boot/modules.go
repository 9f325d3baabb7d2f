package boot

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

// moduleTable is what modules.dep, modules.softdep and modules.alias say (modules.dep(5)).
type moduleTable struct {
	paths   map[string]string   // name → path below the modules' folder
	needs   map[string][]string // name → names that must be loaded before
	softly  map[string][]string // name → names or aliases that should be loaded before
	aliases map[string][]alias  // by the word before the first colon, such as "pci"
}

type alias struct{ pattern, name string }

// readModuleTable reads the tables of one kernel's modules folder.
func readModuleTable(dir fs.FS) (*moduleTable, error) {
	t := &moduleTable{map[string]string{}, map[string][]string{}, map[string][]string{}, map[string][]alias{}}
	err := errors.Join(
		eachLine(dir, "modules.dep", func(line string) {
			p, deps, _ := strings.Cut(line, ":")
			name := nameOf(p)
			t.paths[name] = p
			for _, d := range strings.Fields(deps) {
				t.needs[name] = append(t.needs[name], nameOf(d))
			}
		}),
		eachLine(dir, "modules.softdep", func(line string) {
			if f := strings.Fields(line); len(f) > 3 && f[0] == "softdep" && f[2] == "pre:" {
				t.softly[f[1]] = append(t.softly[f[1]], f[3:]...)
			}
		}),
		eachLine(dir, "modules.alias", func(line string) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "alias" {
				bus, _, _ := strings.Cut(f[1], ":")
				t.aliases[bus] = append(t.aliases[bus], alias{escapeSlash(f[1]), f[2]})
			}
		}))
	return t, err
}

func eachLine(dir fs.FS, name string, do func(string)) error {
	f, err := dir.Open(name)
	if err != nil {
		return fmt.Errorf("kernel modules: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}

// nameOf makes "ext4" of "kernel/fs/ext4/ext4.ko.xz"; dashes are underscores.
func nameOf(p string) string {
	stem, _, _ := strings.Cut(path.Base(p), ".ko")
	return strings.ReplaceAll(stem, "-", "_")
}

// escapeSlash keeps path.Match from treating a slash as a boundary.
func escapeSlash(s string) string { return strings.ReplaceAll(s, "/", "\x01") }

// match lists the modules whose patterns fit a device's modalias, sorted.
func (t *moduleTable) match(modalias string) (names []string) {
	bus, _, _ := strings.Cut(modalias, ":")
	modalias = escapeSlash(modalias)
	for _, a := range t.aliases[bus] {
		if ok, err := path.Match(a.pattern, modalias); ok && err == nil {
			names = append(names, a.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// resolve turns a name or an alias into module names that the table has.
func (t *moduleTable) resolve(name string) []string {
	if n := strings.ReplaceAll(name, "-", "_"); t.paths[n] != "" {
		return []string{n}
	}
	return t.match(name)
}

// loader loads modules once each, what they need first. It is safe for concurrent use.
type loader struct {
	table *moduleTable
	dir   string                  // /lib/modules/RELEASE
	load  func(path string) error // loads one file; a test puts its own here

	mu   sync.Mutex
	done map[string]*sync.Once
	errs map[string]error
}

// runningLoader is a loader for the kernel that runs.
func runningLoader() (*loader, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	return newLoader("/lib/modules/" + unix.ByteSliceToString(u.Release[:]))
}

func newLoader(dir string) (*loader, error) {
	t, err := readModuleTable(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	return &loader{table: t, dir: dir, load: loadFile}, nil
}

// Load loads a module or the modules behind an alias. Unknown names are nothing: they may be built in.
func (l *loader) Load(name string) error {
	var errs []error
	for _, n := range l.table.resolve(name) {
		errs = append(errs, l.one(n))
	}
	return errors.Join(errs...)
}

func (l *loader) one(name string) error {
	l.mu.Lock()
	if l.done == nil {
		l.done, l.errs = map[string]*sync.Once{}, map[string]error{}
	}
	once, ok := l.done[name]
	if !ok {
		once = &sync.Once{}
		l.done[name] = once
	}
	l.mu.Unlock()
	once.Do(func() {
		err := l.withNeeds(name)
		l.mu.Lock()
		l.errs[name] = err
		l.mu.Unlock()
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.errs[name]
}

func (l *loader) withNeeds(name string) error {
	for _, s := range l.table.softly[name] {
		if l.table.paths[s] != "" && !slices.Contains(l.table.needs[s], name) {
			_ = l.one(s) // soft: the module works without it
		}
	}
	for _, n := range slices.Backward(l.table.needs[name]) {
		if err := l.one(n); err != nil {
			return fmt.Errorf("%s needs %w", name, err)
		}
	}
	if err := l.load(path.Join(l.dir, l.table.paths[name])); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// loadFile loads one module file, plain or .xz; one that is loaded already, or whose device is absent, is no error.
func loadFile(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if strings.HasSuffix(file, ".xz") {
		err = loadCompressed(f)
	} else {
		err = unix.FinitModule(int(f.Fd()), "", 0)
	}
	if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func loadCompressed(r io.Reader) error {
	x, err := xz.NewReader(r)
	if err != nil {
		return err
	}
	image, err := io.ReadAll(x)
	if err != nil {
		return err
	}
	return unix.InitModule(image, "")
}
