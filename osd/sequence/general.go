package sequence

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
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

// SetTaskSequenceVariable sets a variable.
type SetTaskSequenceVariable struct {
	Options
	Variable string `json:"variable"`
	Value    string `json:"value"`
	// Secret keeps the value out of logs and status messages.
	Secret bool `json:"secret,omitempty"`
}

// SetDynamicVariables sets variables by rules (Set Dynamic Variables). All rules that hold are
// applied, in order.
type SetDynamicVariables struct {
	Options
	Rules []Rule `json:"rules"`
}

// Rule sets variables where its condition holds.
type Rule struct {
	Condition *Condition        `json:"condition,omitempty"` // holds when left out
	Variables map[string]string `json:"variables"`           // expanded, in the order of their names
}

// RunTaskSequence runs another sequence in place of the step (Run Task Sequence). The site puts
// its steps there when it compiles policy: see Inline.
type RunTaskSequence struct {
	Options
	Sequence string `json:"sequence"` // name of a TaskSequence
}

// CheckReadiness fails on a machine that is not fit (Check Readiness). Everything that is given
// is checked, and all that is wrong is named.
type CheckReadiness struct {
	Options
	Memory       string `json:"memory,omitempty"`       // at least, such as 2GiB
	ProcessorMHz int    `json:"processorMHz,omitempty"` // at least
	DiskSpace    string `json:"diskSpace,omitempty"`    // size of the disk that the sequence takes; free space in a running system
	Firmware     string `json:"firmware,omitempty"`     // uefi or bios
	ACPower      bool   `json:"acPower,omitempty"`      // not on battery
	WiredNetwork bool   `json:"wiredNetwork,omitempty"`
}

// ConnectToNetworkFolder mounts a share of a file server (Connect To Network Folder). It is
// there until the next restart.
type ConnectToNetworkFolder struct {
	Options
	Path    string `json:"path"`              // such as //server/share/folder
	To      string `json:"to"`                // folder where it appears, such as /mnt/share
	Account string `json:"account,omitempty"` // such as WARD\deploy; nobody when left out
	// Password names the variable that holds it, such as %SharePassword%.
	Password string `json:"password,omitempty"`
}

// JoinDomainOrWorkgroup joins the running system (Join Domain or Workgroup).
type JoinDomainOrWorkgroup struct {
	Options
	Domain    string `json:"domain,omitempty"` // DNS name; or Workgroup
	OU        string `json:"ou,omitempty"`     // such as OU=Wards,DC=example,DC=org
	Workgroup string `json:"workgroup,omitempty"`
	Account   string `json:"account,omitempty"` // may join machines
	// Password names the variable that holds it, such as %JoinPassword%.
	Password string `json:"password,omitempty"`
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
func (*RunCommandLine) Type() Type          { return TypeRunCommandLine }
func (*RunPowerShellScript) Type() Type     { return TypeRunPowerShellScript }
func (*SetTaskSequenceVariable) Type() Type { return TypeSetTaskSequenceVariable }
func (*SetDynamicVariables) Type() Type     { return TypeSetDynamicVariables }
func (*RunTaskSequence) Type() Type         { return TypeRunTaskSequence }
func (*CheckReadiness) Type() Type          { return TypeCheckReadiness }
func (*ConnectToNetworkFolder) Type() Type  { return TypeConnectToNetworkFolder }
func (*JoinDomainOrWorkgroup) Type() Type   { return TypeJoinDomainOrWorkgroup }
func (*RestartComputer) Type() Type         { return TypeRestartComputer }

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

func (s *SetTaskSequenceVariable) check(c *checker) {
	c.name("variable", s.Variable)
	if len(s.Value) > maxValue {
		c.fail("value", shorten(s.Value), "give at most %d bytes", maxValue)
	}
	c.lasting(&s.Options)
}

// lasting refuses secrets at a step that sets variables for the steps after it.
func (c *checker) lasting(o *Options) {
	if len(o.Secrets) > 0 {
		c.fail("secrets", "", "the variable would outlive the step: name the secret at the step that uses it")
	}
}

func (s *SetDynamicVariables) check(c *checker) {
	if len(s.Rules) == 0 || len(s.Rules) > 100 {
		c.fail("rules", fmt.Sprint(len(s.Rules)), "give 1 to 100 rules")
	}
	for i, r := range s.Rules {
		field := fmt.Sprintf("rules[%d]", i)
		c.condition(field+".condition", r.Condition, 0)
		if len(r.Variables) == 0 {
			c.fail(field+".variables", "", "give at least one variable")
		}
		for _, name := range slices.Sorted(maps.Keys(r.Variables)) {
			c.name(field+".variables."+name, name)
		}
	}
	c.lasting(&s.Options)
}

func (r *RunTaskSequence) check(c *checker) {
	c.given("sequence", r.Sequence, "name the task sequence")
	if r.Retry != nil || r.Timeout != 0 || r.SuccessCodes != nil || r.Secrets != nil || r.Rerunnable {
		c.fail("", "", "the step stands for the steps of the other sequence: give retry, timeout, successCodes, secrets and rerunnable there")
	}
}

func (r *CheckReadiness) check(c *checker) {
	if r.Memory == "" && r.ProcessorMHz == 0 && r.DiskSpace == "" && r.Firmware == "" && !r.ACPower && !r.WiredNetwork {
		c.fail("", "", "say what to check: memory, processorMHz, diskSpace, firmware, acPower, wiredNetwork")
	}
	c.size("memory", r.Memory)
	c.size("diskSpace", r.DiskSpace)
	if r.ProcessorMHz < 0 {
		c.fail("processorMHz", fmt.Sprint(r.ProcessorMHz), "give 0 or more")
	}
	if r.Firmware != "" {
		c.oneOf("firmware", r.Firmware, "uefi", "bios")
	}
}

func (f *ConnectToNetworkFolder) check(c *checker) {
	p := strings.ReplaceAll(f.Path, `\`, "/")
	if host, rest, ok := strings.Cut(strings.TrimPrefix(p, "//"), "/"); !strings.HasPrefix(p, "//") || !ok || host == "" || rest == "" {
		c.fail("path", f.Path, "give server and share, such as //server/share")
	}
	if !strings.HasPrefix(f.To, "/") {
		c.fail("to", f.To, "give the folder where it appears, such as /mnt/share")
	}
	c.account(f.Account, f.Password)
}

func (j *JoinDomainOrWorkgroup) check(c *checker) {
	if (j.Domain == "") == (j.Workgroup == "") {
		c.fail("", "", "give a domain or a workgroup, exactly one of them")
	}
	c.workgroup(j.Workgroup)
	if j.Domain != "" {
		c.given("account", j.Account, "name an account that may join machines to the domain")
		c.given("password", j.Password, "name the variable of its password, such as %JoinPassword%")
	}
	if j.Workgroup != "" && j.OU != "" {
		c.fail("ou", j.OU, "a workgroup has none; leave it out")
	}
	c.account(j.Account, j.Password)
}

func (r *RestartComputer) check(c *checker) {
	c.oneOf("to", r.To, ToInstalledOS, ToBootImage)
	if r.Delay > Duration(24*60*60*1e9) {
		c.fail("delay", fmt.Sprint(r.Delay), "give at most 24h")
	}
}
