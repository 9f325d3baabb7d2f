package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

func (s *simulator) runCommandLine(r *sequence.RunCommandLine, number int, env *sequence.Environment) engine.Result {
	if r.RunAs != "" && s.stage == status.StageBootImage {
		return failed(errors.New("a boot image has no user " + r.RunAs))
	}
	command, err := env.Public().Expand(r.Command)
	if err != nil {
		return failed(err)
	}
	s.step.Detail = command
	if len(r.SuccessCodes) > 0 {
		s.step.Detail += fmt.Sprintf("  (exit codes %v are success)", r.SuccessCodes)
	}
	if r.OutputVariable != "" {
		return s.succeed(r.SuccessCodes, s.setUnknown(env, r.OutputVariable, fmt.Sprintf("output of step %d", number)))
	}
	return s.succeed(r.SuccessCodes, nil)
}

// succeed ends a command by the first of its success codes.
func (s *simulator) succeed(codes []int, err error) engine.Result {
	res := engine.Result{Err: err}
	if len(codes) > 0 {
		res.ExitCode = codes[0]
	}
	return res
}

// checkReadiness checks what the inventory says.
func (s *simulator) checkReadiness(r *sequence.CheckReadiness) engine.Result {
	m := s.run.Machine
	var wrong, open []string
	if r.Memory != "" && m.MemoryBytes == 0 {
		open = append(open, "memory")
	} else if least := bytesOf(r.Memory); float64(m.MemoryBytes) < least {
		wrong = append(wrong, fmt.Sprintf("memory: %.1f GiB, at least %s is wanted", float64(m.MemoryBytes)/(1<<30), r.Memory))
	}
	if has := map[bool]string{true: "uefi", false: "bios"}[m.UEFI]; r.Firmware != "" && r.Firmware != has {
		wrong = append(wrong, fmt.Sprintf("firmware: %s, %s is wanted", has, r.Firmware))
	}
	for name, asked := range map[string]bool{"processorMHz": r.ProcessorMHz > 0, "diskSpace": r.DiskSpace != "", "acPower": r.ACPower, "wiredNetwork": r.WiredNetwork} {
		if asked {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		s.step.Warnings = append(s.step.Warnings, "not known, and taken for right: "+strings.Join(slices.Sorted(slices.Values(open)), ", "))
	}
	if len(wrong) > 0 {
		return failed(errors.New(strings.Join(wrong, "; ")))
	}
	return engine.Result{}
}

// setUnknown sets a variable to what only the machine can tell: to the value that was given to
// try, if any.
func (s *simulator) setUnknown(env *sequence.Environment, name, what string) error {
	for given, value := range s.run.Variables {
		if strings.EqualFold(given, name) {
			return env.Set(name, value)
		}
	}
	return env.Set(name, unknown(what))
}

func (s *simulator) download(d *sequence.DownloadPackageContent, env *sequence.Environment) engine.Result {
	s.step.Detail = strings.Join(d.Packages, ", ")
	for i, name := range d.Packages {
		if d.Variable == "" {
			break
		}
		if err := s.setUnknown(env, fmt.Sprintf("%s%02d", d.Variable, i+1), "folder of package "+name); err != nil {
			return failed(err)
		}
	}
	return engine.Result{}
}

// captured sets the variables of what is read from the machine.
func (s *simulator) captured(step sequence.Step, env *sequence.Environment) engine.Result {
	var names []string
	take := func(asked bool, of ...string) {
		if asked {
			names = append(names, of...)
		}
	}
	switch c := step.(type) {
	case *sequence.CaptureNetworkSettings:
		take(c.Adapters, "OSDAdapterCount")
		take(c.Membership, "OSDNetworkJoinType", "OSDDomainName", "OSDWorkgroupName")
	case *sequence.CaptureWindowsSettings:
		take(c.ComputerName, "OSDComputerName")
		take(c.Owner, "OSDRegisteredUserName", "OSDRegisteredOrgName")
		take(c.TimeZone, "OSDTimeZone")
		take(c.Locale, "OSDLocale")
	}
	for _, name := range names {
		if err := s.setUnknown(env, name, "as the machine has it"); err != nil {
			return failed(err)
		}
	}
	return engine.Result{}
}

// others are steps that change nothing that later steps ask for: what they are given is told.
func (s *simulator) others(step sequence.Step, env *sequence.Environment) engine.Result {
	common := map[string]bool{}
	for _, f := range sequence.Fields(step.Common()) {
		common[f.Path] = true
	}
	var parts []string
	for _, f := range sequence.Fields(step) {
		if common[f.Path] {
			continue
		}
		value, err := env.Public().Expand(f.Value)
		if err != nil { // a password may be in a secret variable: Execute puts stars in its place
			value, err = env.Expand(f.Value)
		}
		if err != nil {
			return failed(err)
		}
		parts = append(parts, f.Path+" "+value)
	}
	s.step.Detail = strings.Join(parts, ", ")
	if s.stage == status.StageBootImage {
		switch step.(type) {
		case *sequence.InstallPackage, *sequence.InstallSoftwareUpdates, *sequence.JoinDomainOrWorkgroup:
			return failed(errors.New("the step works on an installed system, and here the boot image runs"))
		}
	}
	return engine.Result{}
}
