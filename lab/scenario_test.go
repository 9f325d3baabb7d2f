package lab

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/osd/status"
)

// TestScenarios holds that each has a name of its own, one line of summary and
// documents that can be read.
func TestScenarios(t *testing.T) {
	seen := map[string]bool{"list": true, "help": true}
	for _, s := range Scenarios() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(s.Name) || seen[s.Name] {
			t.Errorf("name %q: want small letters and hyphens, once", s.Name)
		}
		seen[s.Name] = true
		if s.Summary == "" || strings.ContainsAny(s.Summary, "\n|") || s.run == nil {
			t.Errorf("%s: summary %q: want one line that fits into a table, and a run", s.Name, s.Summary)
		}
		docs, err := s.Documents()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			if objects, err := document.Decode(d.Name, []byte(d.YAML)); err != nil || len(objects) == 0 {
				t.Errorf("%s: %s: %d objects, %v", s.Name, d.Name, len(objects), err)
			}
		}
		if found, err := FindScenario(s.Name); err != nil || found.Name != s.Name {
			t.Errorf("FindScenario(%q): %q, %v", s.Name, found.Name, err)
		}
	}
	if _, err := FindScenario("fire"); err == nil || !strings.Contains(err.Error(), "cut-line") {
		t.Errorf("another name: %v", err)
	}
	entries, err := documents.ReadDir("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !seen[e.Name()] {
			t.Errorf("scenarios/%s belongs to no scenario", e.Name())
		}
	}
}

func TestDelivered(t *testing.T) {
	m := func(job string, number uint64) status.Message { return status.Message{Job: job, Number: number} }
	for _, c := range []struct {
		name     string
		messages []status.Message
		want     string
	}{
		{"in order", []status.Message{m("a", 1), m("a", 2), m("a", 3)}, ""},
		{"none", nil, "no message"},
		{"lost", []status.Message{m("a", 1), m("a", 3)}, "has number 3"},
		{"twice", []status.Message{m("a", 1), m("a", 1)}, "has number 1"},
		{"out of order", []status.Message{m("a", 2), m("a", 1)}, "has number 2"},
		{"a second run", []status.Message{m("a", 1), m("b", 2)}, "more than once"},
	} {
		err := Delivered(c.messages)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLacks(t *testing.T) {
	sent := func(name string) string {
		return `level=INFO msg="tftp transfer" client=10.77.0.150:1024 name=` + name + ` bytes=1`
	}
	chain := []string{sent("img/shimx64.efi"), sent("img/grubx64.efi"), `msg="tftp transfer failed" name=img/initrd error=none`, sent("img/vmlinuz")}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"shimx64.efi", "grubx64.efi", "vmlinuz"}, ""},
		{[]string{"grubx64.efi", "shimx64.efi"}, "shimx64.efi"},
		{[]string{"vmlinuz", "vmlinuz"}, "vmlinuz"},
		{[]string{"shimx64.efi", "initrd"}, "initrd"},
		{[]string{"x64.efi"}, "x64.efi"},
		{nil, ""},
	} {
		if got := lacks(chain, c.names...); got != c.want {
			t.Errorf("%q: lacks %q, want %q", c.names, got, c.want)
		}
	}
}

func TestCodeIn(t *testing.T) {
	for line, want := range map[string]string{
		"Bootward: approval code 482-913":                            "482-913",
		"Code:    714-025":                                           "714-025",
		"Code: 012-345, valid for 15 minutes":                        "012-345",
		"  482-913  is the code; an administrator compares it":       "482-913",
		"serial 482-913":                                             "",
		"code 1482-9134":                                             "",
		"Bootward: job x, computer y, exit code 5, phone 020-7946-0": "",
	} {
		if got := codeIn(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestPrintScenario(t *testing.T) {
	var out bytes.Buffer
	s := Scenario{Name: "fire", Summary: "the ward burns"}
	printScenario(&out, s, []finding{{"nobody is hurt", 61 * time.Second}}, 90*time.Second, nil)
	printScenario(&out, s, nil, time.Second, errors.New("too hot"))
	for _, want := range []string{"| fire | nobody is hurt | 61 |\n| fire | passed: the ward burns | 90 |\n", "| fire | FAILED: the ward burns | 1 |\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
