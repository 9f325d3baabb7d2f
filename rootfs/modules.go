package rootfs

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Modules is a set of kernel modules that is closed: whatever one of them needs is there or built into the kernel.
type Modules struct {
	Release  string   // of the kernel they belong to
	Missing  []string // firmware files that the modules name and the kit lacks; most devices work without
	modules  map[string]module
	builtin  []byte // modules.builtin, as the kernel came with it
	firmware map[string][]byte
}

type module struct {
	path string // relative to lib/modules/RELEASE, for example "kernel/fs/ext4/ext4.ko"
	data []byte
	info ModInfo
}

// CloseModules reads the named modules and all they depend on from the kit. A name may use dashes or underscores.
// A name that is built into the kernel is fine; one that is unknown is an error that names it.
func CloseModules(k *Kit, names []string) (*Modules, error) {
	release, err := k.Release()
	if err != nil {
		return nil, err
	}
	base := "linux/lib/modules/" + release
	builtin, err := k.Read(base + "/modules.builtin")
	if err != nil {
		return nil, err
	}
	m := &Modules{Release: release, modules: map[string]module{}, builtin: builtin, firmware: map[string][]byte{}}
	found := locate(k.List(base), base)
	inKernel := builtinNames(builtin)
	queue := slices.Clone(names)
	for len(queue) > 0 {
		name := moduleName(queue[0])
		queue = queue[1:]
		if _, done := m.modules[name]; done || inKernel[name] {
			continue
		}
		rel, ok := found[name]
		if !ok {
			return nil, fmt.Errorf("kernel module %s: not in the kit's kernel %s: correct the board's modules", name, release)
		}
		mod, err := readModule(k, base, rel)
		if err != nil {
			return nil, err
		}
		m.modules[name] = mod
		queue = append(queue, mod.info.Depends...)
		for _, soft := range mod.info.SoftPre {
			if _, ok := found[soft]; ok { // what is only an alias is left to those that provide it
				queue = append(queue, soft)
			}
		}
	}
	return m, m.readFirmware(k)
}

func readModule(k *Kit, base, rel string) (module, error) {
	data, err := k.Read(base + "/" + rel)
	if err != nil {
		return module{}, err
	}
	info, err := ParseModule(rel, data)
	return module{path: rel, data: data, info: info}, err
}

func (m *Modules) readFirmware(k *Kit) error {
	for _, mod := range m.modules {
		for _, f := range mod.info.Firmware {
			if from := "linux/lib/firmware/" + f; k.Has(from) {
				data, err := k.Read(from)
				if err != nil {
					return err
				}
				m.firmware[f] = data
			} else {
				m.Missing = append(m.Missing, f)
			}
		}
	}
	slices.Sort(m.Missing)
	m.Missing = slices.Compact(m.Missing)
	return nil
}

// locate maps the names of modules to their paths below base.
func locate(paths []string, base string) map[string]string {
	found := map[string]string{}
	for _, p := range paths {
		if stem, _, ok := strings.Cut(path.Base(p), ".ko"); ok {
			found[moduleName(stem)] = strings.TrimPrefix(p, base+"/")
		}
	}
	return found
}

func builtinNames(list []byte) map[string]bool {
	names := map[string]bool{}
	for line := range bytes.Lines(list) {
		names[moduleName(strings.TrimSuffix(path.Base(strings.TrimSpace(string(line))), ".ko"))] = true
	}
	return names
}

// Names lists the modules, sorted.
func (m *Modules) Names() []string { return slices.Sorted(maps.Keys(m.modules)) }

// Archive lays the modules out below lib/modules/RELEASE with modules.dep, modules.softdep, modules.alias and
// modules.builtin in the formats of depmod (modules.dep(5)), so that any module loader can work with them.
func (m *Modules) Archive() *Archive {
	a := &Archive{}
	base := "lib/modules/" + m.Release + "/"
	var dep, soft, alias bytes.Buffer
	for _, name := range m.Names() {
		mod := m.modules[name]
		a.Put(base+mod.path, mod.data, 0o644)
		fmt.Fprintf(&dep, "%s:", mod.path)
		for _, d := range m.chain(name) {
			fmt.Fprintf(&dep, " %s", m.modules[d].path)
		}
		dep.WriteByte('\n')
		if len(mod.info.SoftPre) > 0 {
			fmt.Fprintf(&soft, "softdep %s pre: %s\n", name, strings.Join(mod.info.SoftPre, " "))
		}
		for _, al := range mod.info.Aliases {
			fmt.Fprintf(&alias, "alias %s %s\n", al, name)
		}
	}
	a.Put(base+"modules.dep", dep.Bytes(), 0o644)
	a.Put(base+"modules.softdep", soft.Bytes(), 0o644)
	a.Put(base+"modules.alias", alias.Bytes(), 0o644)
	a.Put(base+"modules.builtin", m.builtin, 0o644)
	for _, f := range slices.Sorted(maps.Keys(m.firmware)) {
		a.Put("lib/firmware/"+f, m.firmware[f], 0o644)
	}
	return a
}

// chain lists what name depends on, directly and further, in the order of modules.dep: what must be loaded first
// stands last. Modules that are built in are left out.
func (m *Modules) chain(name string) (out []string) {
	seen := map[string]bool{name: true}
	level := m.modules[name].info.Depends
	for depth := 0; len(level) > 0 && depth <= len(m.modules); depth++ { // no chain is longer than the set
		var next []string
		for _, d := range level {
			if _, ok := m.modules[d]; !ok {
				continue
			}
			if seen[d] { // needed again deeper down: it must move behind
				out = slices.DeleteFunc(out, func(s string) bool { return s == d })
				if d == name {
					continue
				}
			}
			seen[d] = true
			out = append(out, d)
			next = append(next, m.modules[d].info.Depends...)
		}
		level = next
	}
	return out
}
