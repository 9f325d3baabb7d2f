package rootfs

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// ModInfo is what a kernel module says of itself in its section .modinfo: NUL-terminated "key=value" strings
// (include/linux/module.h, MODULE_INFO).
type ModInfo struct {
	Name     string   // with underscores, as in /proc/modules; empty in modules that do not say
	Depends  []string // modules that must be loaded before, with underscores
	SoftPre  []string // "softdep: pre:" modules or aliases that should be loaded before
	Aliases  []string // patterns of device ids, and other names
	Firmware []string // files that the driver may ask for, below /lib/firmware
}

// largestModule bounds what a compressed module may unpack to, in bytes.
const largestModule = 64 << 20

// ParseModule reads the modinfo of a module file; a name ending in .xz or .zst says how it is compressed.
func ParseModule(name string, data []byte) (ModInfo, error) {
	plain, err := unpackModule(name, data)
	if err != nil {
		return ModInfo{}, fmt.Errorf("module %s: %w", name, err)
	}
	f, err := elf.NewFile(bytes.NewReader(plain))
	if err != nil {
		return ModInfo{}, fmt.Errorf("module %s: %w", name, err)
	}
	section := f.Section(".modinfo")
	if section == nil {
		return ModInfo{}, fmt.Errorf("module %s: no section .modinfo", name)
	}
	raw, err := section.Data()
	if err != nil {
		return ModInfo{}, fmt.Errorf("module %s: .modinfo: %w", name, err)
	}
	return parseModInfo(raw), nil
}

func unpackModule(name string, data []byte) ([]byte, error) {
	var r io.Reader
	switch {
	case strings.HasSuffix(name, ".xz"):
		x, err := xz.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		r = x
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		return data, nil
	}
	plain, err := io.ReadAll(io.LimitReader(r, largestModule+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > largestModule {
		return nil, errors.New("unpacks to more than 64 MiB")
	}
	return plain, nil
}

func parseModInfo(raw []byte) ModInfo {
	var m ModInfo
	for field := range bytes.SplitSeq(raw, []byte{0}) {
		key, value, ok := strings.Cut(string(field), "=")
		if !ok || value == "" {
			continue
		}
		switch key {
		case "name":
			m.Name = moduleName(value)
		case "depends":
			for d := range strings.SplitSeq(value, ",") {
				m.Depends = append(m.Depends, moduleName(d))
			}
		case "alias":
			m.Aliases = append(m.Aliases, value)
		case "firmware":
			m.Firmware = append(m.Firmware, value)
		case "softdep":
			m.SoftPre = append(m.SoftPre, softPre(value)...)
		}
	}
	m.Depends = slices.DeleteFunc(m.Depends, func(s string) bool { return s == "" })
	return m
}

// softPre picks the names after "pre:" from "pre: a b post: c".
func softPre(value string) (names []string) {
	pre := false
	for _, word := range strings.Fields(value) {
		switch word {
		case "pre:":
			pre = true
		case "post:":
			pre = false
		default:
			if pre {
				names = append(names, moduleName(word))
			}
		}
	}
	return names
}

// moduleName writes a module's name the way the kernel does: dashes are underscores.
func moduleName(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "-", "_") }
