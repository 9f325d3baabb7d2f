package sequence

import (
	"fmt"
	"strings"
	"testing"
)

func environment(t testing.TB, kv ...string) *Environment {
	t.Helper()
	e := NewEnvironment()
	for i := 0; i < len(kv); i += 2 {
		if err := e.SetReadOnly(kv[i], kv[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func TestExpand(t *testing.T) {
	e := environment(t, "Name", "ward", "Inner", "%name%-pc", "Loop", "a%Pool%", "Pool", "%LOOP%", "Empty", "", "Big", strings.Repeat("x", maxValue), "_SMSTSMP", "10.0.0.1")
	tests := []struct{ text, want, fails string }{
		{"plain", "plain", ""},
		{"%NAME%", "ward", ""},
		{"a %Inner% b", "a ward-pc b", ""},
		{"100%", "100%", ""},
		{"%nothing% %Name%", "%nothing% ward", ""},
		{"%%Name%%", "%ward%", ""},
		{"[%Empty%]", "[]", ""},
		{"%_SMSTSMP%", "10.0.0.1", ""},
		{"%Loop%", "", "without end"},
		{"%Big%%Big%", "", "longer than"},
	}
	for _, tt := range tests {
		got, err := e.Expand(tt.text)
		switch {
		case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)):
			t.Errorf("%q: got %v, want error with %q", tt.text, err, tt.fails)
		case tt.fails == "" && (err != nil || got != tt.want):
			t.Errorf("%q: got %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	e := NewEnvironment()
	if err := e.Set("_SMSTSInWinPE", "true"); err == nil {
		t.Error("a read-only variable was set")
	}
	if err := e.SetSecret("Password", "hunter22"); err != nil {
		t.Fatal(err)
	}
	if got := e.Redact("the password is hunter22!"); got != "the password is ********!" {
		t.Errorf("got %q", got)
	}
	if err := e.Set("password", "other"); err != nil || len(e.Secrets()) != 1 {
		t.Errorf("a secret must stay one: %v, %v", err, e.Secrets())
	}
}

func TestCondition(t *testing.T) {
	e := environment(t, "Model", "OptiPlex 7090", "Memory", "4096", "Firm", "true")
	s := func(v string) *string { return &v }
	no, yes := false, true
	tests := []struct {
		name string
		c    *Condition
		want bool
	}{
		{"none given", nil, true},
		{"equals without case", &Condition{Variable: "firm", Comparison: Comparison{Equals: s("TRUE")}}, true},
		{"numbers", &Condition{Variable: "Memory", Comparison: Comparison{Greater: s("512")}}, true},
		{"less", &Condition{Variable: "Memory", Comparison: Comparison{Less: s("512")}}, false},
		{"like", &Condition{Variable: "Model", Comparison: Comparison{Like: s("optiplex*")}}, true},
		{"not like", &Condition{Variable: "Model", Comparison: Comparison{NotLike: s("optiplex 70?0")}}, false},
		{"like with brackets", &Condition{Variable: "Model", Comparison: Comparison{Like: s("[a-z]*")}}, false},
		{"missing equals", &Condition{Variable: "x", Comparison: Comparison{Equals: s("")}}, false},
		{"missing not equals", &Condition{Variable: "x", Comparison: Comparison{NotEquals: s("a")}}, true},
		{"exists", &Condition{Variable: "Model", Comparison: Comparison{Exists: &yes}}, true},
		{"exists not", &Condition{Variable: "x", Comparison: Comparison{Exists: &no}}, true},
		{"expanded", &Condition{Variable: "Firm", Comparison: Comparison{Equals: s("%Firm%")}}, true},
		{"all", &Condition{All: []Condition{{Variable: "Firm", Comparison: Comparison{Equals: s("true")}}, {Variable: "x", Comparison: Comparison{Exists: &yes}}}}, false},
		{"any", &Condition{Any: []Condition{{Variable: "Firm", Comparison: Comparison{Equals: s("true")}}, {Variable: "x", Comparison: Comparison{Exists: &yes}}}}, true},
		{"none", &Condition{None: []Condition{{Variable: "x", Comparison: Comparison{Exists: &yes}}}}, true},
	}
	for _, tt := range tests {
		if got, err := tt.c.Holds(e, nil); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// TestDecodeForeign: fields that are unknown are ignored, types and
// requirements that are unknown are refused by name.
func TestDecodeForeign(t *testing.T) {
	tests := []struct{ json, fails string }{
		{`{"format":1,"name":"s","later":1,"steps":[{"setupOperatingSystem":{"later":true}}]}`, ""},
		{`{"format":1,"name":"s","steps":[{"newStep":{}}]}`, "newStep"},
		{`{"format":2,"name":"s","steps":[{"setupOperatingSystem":{}}]}`, "format 2"},
		{`{"format":1,"requires":["tpm"],"name":"s","steps":[{"setupOperatingSystem":{}}]}`, "tpm"},
		{`{"format":1,"name":"s","steps":[]}`, "at least one step"},
		{`{"format":1,"name":"s","steps":[null]}`, ""},
	}
	for _, tt := range tests[:5] {
		_, err := Decode([]byte(tt.json))
		if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: got %v, want %q", tt.json, err, tt.fails)
		}
	}
	if _, err := Decode([]byte(tests[5].json)); err == nil {
		t.Error("a null node was taken")
	}
}

func TestFlatten(t *testing.T) {
	s, err := Decode([]byte(`{"format":1,"name":"s","steps":[
		{"group":"A","steps":[{"runCommandLine":{"command":"1"}},{"group":"B","steps":[{"runCommandLine":{"command":"2"}}]}]},
		{"setupOperatingSystem":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, l := range s.Flatten() {
		got += fmt.Sprintf("%d %s in %d to %d\n", l.Number, l.Name(), l.Parent, l.End)
	}
	want := "1 A in 0 to 5\n2 Run Command Line in 1 to 3\n3 B in 1 to 5\n4 Run Command Line in 3 to 5\n5 Setup Operating System in 0 to 6\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"format":1,"name":"s","steps":[{"group":"g","steps":[{"setupOperatingSystem":{}}]}]}`))
	f.Add([]byte(`{"format":1,"name":"s","steps":[{"partitionDisk":{"style":"gpt","volumes":[{"type":"efi","size":"1GiB","fileSystem":"fat32"}]}}]}`))
	f.Add([]byte(`{"format":1,"name":"s","steps":[null,{"runCommandLine":null}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		one, err := s.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(one)
		if err != nil {
			t.Fatalf("%v\n%s", err, one)
		}
		if two, _ := again.Canonical(); string(one) != string(two) {
			t.Errorf("%s\n%s", one, two)
		}
	})
}

func FuzzExpand(f *testing.F) {
	f.Add("a", "%b%", "b", "%a%", "%a%%%")
	f.Add("A", "x%A", "B", "%A%", "100%%B%")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, text string) {
		e := NewEnvironment()
		_ = e.Set(n1, v1) // names and values that are refused are simply not there
		_ = e.Set(n2, v2)
		if got, err := e.Expand(text); err == nil && len(got) > len(text)+2*maxValue {
			t.Errorf("%d bytes", len(got))
		}
	})
}
