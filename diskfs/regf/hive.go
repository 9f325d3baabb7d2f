// Package regf writes registry hives, the files in which Windows keeps its
// settings and its boot menu (BCD). It writes whole hives of version 1.3 in one
// go, the same bytes for the same keys: time stamps are fixed, names are sorted.
//
// It does not read or change hives, and writes neither classes, nor links, nor
// names beyond ASCII, nor values of more than MaxData bytes. Its source is the
// description of the format by M. Suhanov, "Windows registry file format
// specification"; hivex and reglookup read what it writes.
package regf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Type is the type of a value, as in winnt.h.
type Type uint32

// The types that a BCD uses.
const (
	SZ      Type = 1 // UTF-16LE with a NUL
	Binary  Type = 3
	DWord   Type = 4
	MultiSZ Type = 7 // strings with a NUL each, and one more at the end
)

// Limits of what is written.
const (
	MaxName  = 255   // characters of a name
	MaxData  = 16344 // bytes of a value: more are written in pieces since version 1.4
	maxDepth = 64
)

// Key is a key with what is below it. The order of Keys does not matter.
type Key struct {
	Name   string
	Values []Value
	Keys   []Key
}

// Value is a named value; an empty name is the default value of its key.
type Value struct {
	Name string
	Type Type
	Data []byte
}

// String makes a value of type SZ.
func String(name, text string) Value { return Value{name, SZ, utf16z(text)} }

// Strings makes a value of type MultiSZ.
func Strings(name string, texts ...string) Value {
	var b []byte
	for _, t := range texts {
		b = append(b, utf16z(t)...)
	}
	return Value{name, MultiSZ, append(b, 0, 0)}
}

// Number makes a value of type DWord.
func Number(name string, n uint32) Value {
	return Value{name, DWord, binary.LittleEndian.AppendUint32(nil, n)}
}

// Bytes makes a value of type Binary.
func Bytes(name string, b []byte) Value { return Value{name, Binary, b} }

func utf16z(text string) []byte {
	var b []byte
	for _, c := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	return append(b, 0, 0)
}

// Marshal writes the hive whose root is the given key. It fails on names and
// values that it does not write, and on two of one name in one key.
func Marshal(root Key) ([]byte, error) {
	if err := root.check(root.Name, 0); err != nil {
		return nil, fmt.Errorf("registry hive: %w", err)
	}
	w := &writer{}
	w.security = w.securityCell(root.count())
	at := w.key(root, 0, flagRoot)
	return w.file(at), nil
}

func (k Key) count() int {
	n := 1
	for _, s := range k.Keys {
		n += s.count()
	}
	return n
}

func (k Key) check(path string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("key %q: more than %d keys deep", path, maxDepth)
	}
	if err := checkName(k.Name, false); err != nil {
		return fmt.Errorf("key %q: %w", path, err)
	}
	seen := map[string]bool{}
	for _, v := range k.Values {
		n := strings.ToUpper(v.Name)
		switch err := checkName(v.Name, true); {
		case err != nil:
			return fmt.Errorf("key %q: value %q: %w", path, v.Name, err)
		case seen[n]:
			return fmt.Errorf("key %q: value %q is there twice", path, v.Name)
		case len(v.Data) > MaxData:
			return fmt.Errorf("key %q: value %q has %d bytes, at most %d can be written", path, v.Name, len(v.Data), MaxData)
		}
		seen[n] = true
	}
	clear(seen)
	for _, s := range k.Keys {
		n := strings.ToUpper(s.Name)
		if seen[n] {
			return fmt.Errorf("key %q: key %q is there twice", path, s.Name)
		}
		seen[n] = true
		if err := s.check(path+`\`+s.Name, depth+1); err != nil {
			return err
		}
	}
	if len(k.Keys) > maxList || len(k.Values) > maxList {
		return fmt.Errorf("key %q: more than %d entries", path, maxList)
	}
	return nil
}

// maxList is how many entries one list holds: more want lists of lists.
const maxList = 500

func checkName(n string, value bool) error {
	if n == "" && !value {
		return errors.New("a key needs a name")
	}
	if len(n) > MaxName {
		return fmt.Errorf("a name of %d characters, at most %d", len(n), MaxName)
	}
	for i := range len(n) {
		if n[i] < 0x20 || n[i] > 0x7e || n[i] == '\\' && !value {
			return errors.New("names are of printable ASCII characters, those of keys without backslash")
		}
	}
	return nil
}

// sorted is the order in which readers search: by upper case.
func sorted(keys []Key) []Key {
	s := slices.Clone(keys)
	slices.SortFunc(s, func(a, b Key) int { return cmp.Compare(strings.ToUpper(a.Name), strings.ToUpper(b.Name)) })
	return s
}
