package computercsv

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/bootward/bootward/osd"
)

func pc(name string, macs ...string) osd.Computer {
	return osd.Computer{Meta: osd.Meta{Name: name}, MACs: macs}
}

func TestRead(t *testing.T) {
	full := pc("pc-1", "52:54:00:00:00:01", "52:54:00:00:00:02")
	full.SMBIOSGUID, full.Box, full.Comment, full.Variables = "33221100-5544-7766-8899-aabbccddeeff", "ward7-box", "by the window", map[string]string{"Owner": "anna"}
	wide := utf16.Encode([]rune("\ufeffName;MAC\nä1;525400000001\npc-1;5254.0000.0002\n"))
	bytes16 := make([]byte, 0, 2*len(wide))
	for _, u := range wide {
		bytes16 = append(bytes16, byte(u), byte(u>>8))
	}
	for name, tt := range map[string]struct {
		text     string
		columns  []string
		want     []Row
		problems string // of each a part, in order
	}{
		"header in any order": {"MAC Addresses,box,Computer Name,SMBIOS GUID,Description,var:Owner,shelf\n52-54-00-00-00-01 525400000002,ward7-box,pc-1,{33221100-5544-7766-8899-AABBCCDDEEFF},by the window,anna,12\n",
			nil, []Row{{2, full, ""}}, ""},
		"no header":        {"pc-1,52:54:00:00:00:01\npc-2,52:54:00:00:00:02\n", nil, []Row{{1, pc("pc-1", "52:54:00:00:00:01"), ""}, {2, pc("pc-2", "52:54:00:00:00:02"), ""}}, ""},
		"columns given":    {"old-1;x;5254.0000.0001;pc-1\n", []string{"source", "-", "mac", "name"}, []Row{{1, pc("pc-1", "52:54:00:00:00:01"), "old-1"}}, ""},
		"tabs, empty line": {"name\tmac\n\n\t\npc-1\t52:54:00:00:00:01\n", nil, []Row{{4, pc("pc-1", "52:54:00:00:00:01"), ""}}, ""},
		"UTF-16":           {string(bytes16), nil, []Row{{3, pc("pc-1", "52:54:00:00:00:02"), ""}}, "line 2, name"},
		"bad rows": {"name,mac\npc 1,52:54:00:00:00:01\npc-2,52:54\npc-3,52:54:00:00:00:03\npc-4,52-54-00-00-00-03\nPC-3,52:54:00:00:00:05\npc-6\npc-7,52:54:00:00:00:07,more\n",
			nil, []Row{{4, pc("pc-3", "52:54:00:00:00:03"), ""}}, "line 2, name|line 3, mac|line 3, macs|line 5, mac|line 6, name|line 7, macs|line 8, column 3"},
	} {
		f, err := Read([]byte(tt.text), tt.columns)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(tt.want, f.Rows); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		var got []string
		for i, want := range strings.Split(tt.problems, "|") {
			if i < len(f.Problems) && !strings.Contains(f.Problems[i].Error(), want) {
				t.Errorf("%s: problem %d is %v, want %q", name, i, f.Problems[i], want)
			}
			got = append(got, want)
		}
		if n := len(f.Problems); tt.problems == "" && n > 0 || tt.problems != "" && n != len(got) {
			t.Errorf("%s: %d problems: %v", name, n, f.Problems)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "no row", "a,b\n": "are needed", "pc-1,\"52:54\n": "close every quote", "name,mac\n\"pc-1,52:54\n": "close every quote", "\xff\x00\xfa": "neither UTF-8", "name,comment\nx,y\n": "a MAC or a GUID",
	} {
		if _, err := Read([]byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Read([]byte("a,b\n"), []string{"name", "colour"}); err == nil || !strings.Contains(err.Error(), `"colour" is not known`) {
		t.Errorf("%v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("name,mac\npc-1,52:54:00:00:00:01\n"))
	f.Add([]byte("pc-1;525400000001 52-54-00-00-00-02;{33221100-5544-7766-8899-AABBCCDDEEFF}\n"))
	f.Add([]byte("\xff\xfen\x00"))
	f.Add([]byte("\"pc-1,525400000001\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(data, nil)
		if err != nil {
			return
		}
		for _, r := range file.Rows {
			if err := r.Computer.Validate(); err != nil || r.Line < 1 {
				t.Errorf("line %d: %v", r.Line, err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString("name,mac,comment\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "pc-%d,52:54:%02x:%02x:%02x:00,ward %d\n", i, i>>16, i>>8&255, i&255, i%40)
	}
	data := []byte(text.String())
	for b.Loop() {
		if f, err := Read(data, nil); err != nil || len(f.Rows) != 100_000 {
			b.Fatal(err)
		}
	}
}
