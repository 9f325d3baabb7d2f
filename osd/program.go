package osd

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Program is a command line of a package. It runs in a folder that holds the package's files, by
// /bin/sh of the installed system.
type Program struct {
	// Name is unique in the package, in any case; it holds no colon, since lists of
	// programs are written as Package:Program.
	Name    string `json:"name" yaml:"name"`
	Comment string `json:"comment,omitempty" yaml:"comment,omitempty"`
	Command string `json:"command" yaml:"command"`
	// WorkingDirectory is a folder of the package; its root when left out.
	WorkingDirectory string `json:"workingDirectory,omitempty" yaml:"workingDirectory,omitempty"`
	// SuccessCodes are the exit codes that count as success; 0 alone when left out.
	SuccessCodes []int `json:"successCodes,omitempty" yaml:"successCodes,omitempty"`
	// RestartCodes are further ones that count as success and ask for a restart.
	RestartCodes []int `json:"restartCodes,omitempty" yaml:"restartCodes,omitempty"`
	// Restart is afterwards if the machine restarts behind each success.
	Restart string `json:"restart,omitempty" yaml:"restart,omitempty"`
	// Timeout ends the program, which then has failed; none when left out.
	Timeout Duration `json:"timeout,omitzero" yaml:"timeout,omitempty"`
	// RunAs is the user that it runs as; root when left out.
	RunAs string `json:"runAs,omitempty" yaml:"runAs,omitempty"`
}

// RestartAfterwards is the only value of Program.Restart.
const RestartAfterwards = "afterwards"

const maxPrograms = 100

// userName is what useradd of Debian takes.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// Ended says what an exit code of the program means.
func (p *Program) Ended(code int) (succeeded, restart bool) {
	asked := slices.Contains(p.RestartCodes, code)
	succeeded = asked || slices.Contains(p.SuccessCodes, code) || len(p.SuccessCodes) == 0 && code == 0
	return succeeded, succeeded && (asked || p.Restart == RestartAfterwards)
}

// Program finds a program by its name, in any case; nil if there is none.
func (p *Package) Program(name string) *Program { return FindProgram(p.Programs, name) }

// FindProgram finds a program by its name, in any case; nil if there is none.
func FindProgram(programs []Program, name string) *Program {
	i := slices.IndexFunc(programs, func(p Program) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return nil
	}
	return &programs[i]
}

func (p *Package) validatePrograms() []error {
	var errs []error
	if len(p.Programs) > maxPrograms {
		errs = append(errs, &FieldError{"programs", fmt.Sprint(len(p.Programs)), fmt.Sprintf("give at most %d", maxPrograms)})
	}
	for i, one := range p.Programs {
		fail := func(field, value, remedy string) {
			errs = append(errs, &FieldError{fmt.Sprintf("programs[%d].%s", i, field), value, remedy})
		}
		if FindProgram(p.Programs[:i], one.Name) != nil {
			fail("name", one.Name, "two programs have this name, in which case does not count: give another")
		}
		one.validate(fail)
	}
	return errs
}

func (p *Program) validate(fail func(field, value, remedy string)) {
	if p.Name == "" || len(p.Name) > 50 || strings.Contains(p.Name, ":") || strings.ContainsFunc(p.Name, isControl) {
		fail("name", p.Name, "give a name of 1 to 50 bytes without colons and control characters")
	}
	if strings.TrimSpace(p.Command) == "" || strings.ContainsRune(p.Command, 0) {
		fail("command", p.Command, "give the command, such as sh install.sh")
	}
	if p.WorkingDirectory != "" && !filepath.IsLocal(p.WorkingDirectory) {
		fail("workingDirectory", p.WorkingDirectory, "give a folder of the package, such as bin")
	}
	codes := slices.Concat(p.SuccessCodes, p.RestartCodes)
	for i, code := range codes {
		if code < 0 || code > 255 || slices.Contains(codes[:i], code) {
			fail("successCodes", fmt.Sprint(code), "exit codes are 0 to 255; name each once, in successCodes or in restartCodes")
		}
	}
	if p.SuccessCodes != nil && len(p.SuccessCodes) == 0 {
		fail("successCodes", "", "name at least one exit code, or leave it out for 0")
	}
	if p.Restart != "" && p.Restart != RestartAfterwards {
		fail("restart", p.Restart, "give afterwards, or leave it out")
	}
	if p.RunAs != "" && !userName.MatchString(p.RunAs) {
		fail("runAs", p.RunAs, "give the name of a user, such as deploy")
	}
}
