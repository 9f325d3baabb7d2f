package osd

import (
	"strings"
	"testing"
)

func TestProgramsOfAPackage(t *testing.T) {
	good := func() Program {
		return Program{Name: "Install", Command: "sh install.sh", SuccessCodes: []int{0, 3}, RestartCodes: []int{100}}
	}
	for _, tt := range []struct {
		want   string
		change func(p *Program)
	}{
		{"", func(*Program) {}},
		{"", func(p *Program) { p.WorkingDirectory, p.RunAs, p.Restart = "bin", "deploy", RestartAfterwards }},
		{"without colons", func(p *Program) { p.Name = "A:B" }},
		{"without colons", func(p *Program) { p.Name = "" }},
		{"give the command", func(p *Program) { p.Command = " " }},
		{"a folder of the package", func(p *Program) { p.WorkingDirectory = "../x" }},
		{"a folder of the package", func(p *Program) { p.WorkingDirectory = "/opt" }},
		{"name each once", func(p *Program) { p.RestartCodes = []int{3} }},
		{"exit codes are 0 to 255", func(p *Program) { p.RestartCodes = []int{3010} }},
		{"at least one", func(p *Program) { p.SuccessCodes = []int{} }},
		{"give afterwards", func(p *Program) { p.Restart = "never" }},
		{"name of a user", func(p *Program) { p.RunAs = "Bad User" }},
		{"case does not count", func(p *Program) { p.Name = "other" }},
	} {
		p := good()
		tt.change(&p)
		err := (&Package{Meta: Meta{Name: "Office"}, Programs: []Program{{Name: "Other", Command: "x"}, p}}).Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", p, err, tt.want)
		}
	}
}

func TestHowAProgramEnded(t *testing.T) {
	always := Program{SuccessCodes: []int{3}, Restart: RestartAfterwards}
	for _, tt := range []struct {
		p           Program
		code        int
		ok, restart bool
	}{
		{Program{}, 0, true, false}, {Program{}, 1, false, false}, {Program{RestartCodes: []int{100}}, 100, true, true}, {Program{RestartCodes: []int{100}}, 0, true, false},
		{always, 3, true, true}, {always, 0, false, false},
	} {
		if ok, restart := tt.p.Ended(tt.code); ok != tt.ok || restart != tt.restart {
			t.Errorf("%+v ended with %d: %v, %v", tt.p, tt.code, ok, restart)
		}
	}
}
