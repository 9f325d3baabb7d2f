package sequence

import (
	"fmt"
	"strings"
)

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

// Type implements Step.
func (*RunTaskSequence) Type() Type        { return TypeRunTaskSequence }
func (*CheckReadiness) Type() Type         { return TypeCheckReadiness }
func (*ConnectToNetworkFolder) Type() Type { return TypeConnectToNetworkFolder }
func (*JoinDomainOrWorkgroup) Type() Type  { return TypeJoinDomainOrWorkgroup }

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
