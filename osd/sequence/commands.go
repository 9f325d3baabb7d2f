package sequence

import (
	"fmt"
	"regexp"
	"strings"
)

// RunCommandLine runs a command: in the boot image by its shell, in the
// installed system by /bin/sh.
type RunCommandLine struct {
	Options
	Command          string `json:"command"`
	WorkingDirectory string `json:"workingDirectory,omitempty"`
	// Package is downloaded first, and is where the command starts unless WorkingDirectory,
	// which is then relative to it, says otherwise.
	Package string `json:"package,omitempty"`
	// RunAs is the user of the running system that the command runs as; root when left out.
	RunAs string `json:"runAs,omitempty"`
	// OutputVariable receives what the command wrote to its standard output,
	// without the last line end.
	OutputVariable string `json:"outputVariable,omitempty"`
}

// RunPowerShellScript runs a script of PowerShell (Run PowerShell Script).
type RunPowerShellScript struct {
	Options
	Package    string `json:"package"`
	Script     string `json:"script"`
	Parameters string `json:"parameters,omitempty"`
	// Policy is allSigned, undefined or bypass.
	Policy string `json:"policy,omitempty"`
}

// RestartComputer restarts the machine and goes on behind the step.
type RestartComputer struct {
	Options
	// To is bootImage or installedOS.
	To      string   `json:"to"`
	Message string   `json:"message,omitempty"`
	Delay   Duration `json:"delay,omitzero"`
}

// The targets of a restart.
const (
	ToBootImage   = "bootImage"
	ToInstalledOS = "installedOS"
)

// Type implements Step.
func (*RunCommandLine) Type() Type      { return TypeRunCommandLine }
func (*RunPowerShellScript) Type() Type { return TypeRunPowerShellScript }
func (*RestartComputer) Type() Type     { return TypeRestartComputer }

// userName is what useradd of Debian takes.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

func (r *RunCommandLine) check(c *checker) {
	if strings.TrimSpace(r.Command) == "" || strings.ContainsRune(r.Command, 0) {
		c.fail("command", r.Command, "give the command")
	}
	if r.OutputVariable != "" {
		c.name("outputVariable", r.OutputVariable)
	}
	if r.RunAs != "" && !userName.MatchString(r.RunAs) {
		c.fail("runAs", r.RunAs, "give the name of a user, such as deploy")
	}
	c.commandSecrets(r)
}

func (r *RunPowerShellScript) check(c *checker) {
	c.given("package", r.Package, "name the package")
	c.given("script", r.Script, "name the script in the package")
	if r.Policy != "" {
		c.oneOf("policy", r.Policy, "allSigned", "undefined", "bypass")
	}
}

func (r *RestartComputer) check(c *checker) {
	c.oneOf("to", r.To, ToInstalledOS, ToBootImage)
	if r.Delay > Duration(24*60*60*1e9) {
		c.fail("delay", fmt.Sprint(r.Delay), "give at most 24h")
	}
}
