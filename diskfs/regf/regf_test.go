package regf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sample has what is easily got wrong: names with one first letter, more bins than
// one, data of every size around what stands in the cell itself.
func sample() Key {
	root := Key{Name: "NewStoreRoot", Values: []Value{String("", "default"), Number("number", 0x01020304), Strings("list", "a", "b")}}
	for _, n := range []string{"beta", "Alpha", "alpha2", "{7619dcc8-fafe-11d9-b411-000476eba25f}"} {
		k := Key{Name: n}
		for size := range 7 {
			k.Values = append(k.Values, Bytes(fmt.Sprint("v", size), bytes.Repeat([]byte{0xa5}, size)))
		}
		k.Keys = []Key{{Name: "Elements", Values: []Value{Bytes("Element", bytes.Repeat([]byte{1, 2}, 1500))}}}
		root.Keys = append(root.Keys, k)
	}
	root.Keys = append(root.Keys, Key{Name: "Big", Values: []Value{Bytes("x", make([]byte, MaxData))}})
	return root
}

func write(t *testing.T, k Key) string {
	t.Helper()
	b, err := Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hive")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestForeignReaders: hivex and reglookup, which share no code, read every key.
func TestForeignReaders(t *testing.T) {
	path := write(t, sample())
	xml := run(t, "hivexml", path)
	list := run(t, "reglookup", path)
	for _, k := range sample().Keys {
		if n := strings.Count(xml, `<node name="`+k.Name+`">`); n != 1 {
			t.Errorf("hivexml shows key %s %d times", k.Name, n)
		}
		if !strings.Contains(list, "\n/"+k.Name+",KEY,") {
			t.Errorf("reglookup does not show key %s", k.Name)
		}
	}
	for _, want := range []string{"/,SZ,default,", "/number,DWORD,0x01020304,", "/list,MULTI_SZ,a|b,", "/beta/v5,BINARY,%A5%A5%A5%A5%A5,"} {
		if !strings.Contains(list, want) {
			t.Errorf("reglookup does not show %q", want)
		}
	}
	security := run(t, "reglookup", "-s", path)
	if !strings.Contains(security, "ALLOW:SET_VAL") && !strings.Contains(security, "S-1-5-32-544") && !strings.Contains(security, "Administrators") {
		t.Errorf("reglookup shows no rights: %.400s", security)
	}
	if got := run(t, "hivexget", path, `\alpha2\Elements`, "Element"); len(got) != 3000 {
		t.Errorf("hivexget: %d bytes", len(got))
	}
}

func TestSameBytes(t *testing.T) {
	a, err := Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	k := sample()
	k.Keys[0], k.Keys[2] = k.Keys[2], k.Keys[0]
	if b, err := Marshal(k); err != nil || !bytes.Equal(a, b) {
		t.Errorf("another order of keys gives other bytes (%v)", err)
	}
}

func TestRefused(t *testing.T) {
	many := Key{Name: "x"}
	for i := range maxList + 1 {
		many.Keys = append(many.Keys, Key{Name: fmt.Sprint(i)})
	}
	deep := Key{Name: "x"}
	for range maxDepth + 1 {
		deep = Key{Name: "x", Keys: []Key{deep}}
	}
	for name, k := range map[string]Key{
		"no name": {}, "not ASCII": {Name: "ä"}, "a path": {Name: `a\b`}, "a NUL": {Name: "a\x00"},
		"long":         {Name: strings.Repeat("a", MaxName+1)},
		"twice":        {Name: "x", Keys: []Key{{Name: "a"}, {Name: "A"}}},
		"values twice": {Name: "x", Values: []Value{{Name: "a"}, {Name: "A"}}},
		"big":          {Name: "x", Values: []Value{{Data: make([]byte, MaxData+1)}}},
		"many":         many, "deep": deep,
	} {
		if _, err := Marshal(k); err == nil {
			t.Errorf("%s: was written", name)
		}
	}
}

// FuzzMarshal makes keys of bytes and reads back what was written of them.
func FuzzMarshal(f *testing.F) {
	f.Add([]byte("k\x03abcv\x01n\x05hellok\x01x"))
	f.Add([]byte("v\x00\x00v\x02ab\x04\x01\x02\x03\x04u\x00k\x02Abk\x02aB"))
	f.Add(append([]byte("v\x01a\xff"), make([]byte, 255)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		root := Key{Name: "root"}
		grow(&root, bytes.NewReader(b), 0)
		hive, err := Marshal(root)
		if err != nil {
			return
		}
		back, err := parse(hive)
		if err != nil {
			t.Fatal(err)
		}
		if want := tidy(root); !reflect.DeepEqual(back, want) {
			t.Fatalf("read back %+v, want %+v", back, want)
		}
	})
}

// grow reads a program that makes keys (k), values (v), and goes up (anything else).
func grow(k *Key, r *bytes.Reader, depth int) {
	take := func() string {
		n, _ := r.ReadByte()
		b := make([]byte, min(int(n), r.Len()))
		_, _ = r.Read(b)
		return string(b)
	}
	for r.Len() > 0 {
		switch op, _ := r.ReadByte(); op {
		case 'k':
			s := Key{Name: take()}
			if depth < 100 {
				grow(&s, r, depth+1)
			}
			k.Keys = append(k.Keys, s)
		case 'v':
			name, kind := take(), Type(op)
			k.Values = append(k.Values, Value{name, kind, []byte(take())})
		default:
			return
		}
	}
}

// tidy is a key as it is read back: sorted, without nil data.
func tidy(k Key) Key {
	out := Key{Name: k.Name}
	for _, v := range k.Values {
		out.Values = append(out.Values, Value{v.Name, v.Type, append([]byte{}, v.Data...)})
	}
	for _, s := range sorted(k.Keys) {
		out.Keys = append(out.Keys, tidy(s))
	}
	return out
}
