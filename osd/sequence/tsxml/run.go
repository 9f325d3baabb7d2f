package tsxml

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// runForm is how Configuration Manager runs the command of a step.
var runForm = regexp.MustCompile(`(?is)^\s*smsswd\.exe\s+/run:(\S*)\s+(.*)$`)

func readRunCommandLine(in *input) *sequence.RunCommandLine {
	s := &sequence.RunCommandLine{Command: in.get("CommandLine"), Package: strings.TrimSpace(in.get("PackageID"))}
	if m := runForm.FindStringSubmatch(action(in.el)); m != nil {
		s.Command, s.Package = cmp.Or(s.Command, strings.TrimSpace(m[2])), cmp.Or(s.Package, m[1])
	}
	s.Command = cmp.Or(s.Command, action(in.el))
	s.WorkingDirectory = cmp.Or(in.get("WorkingDirectory"), in.el.attr("startIn"))
	s.OutputVariable = strings.TrimSpace(in.get("OutputVariableName", "SMSTSRunCommandLineOutputVariableName"))
	if in.bool("RunAsUser", "_SMSTSRunCommandLineAsUser", "SMSTSRunCommandLineAsUser") {
		s.RunAs = cmp.Or(strings.TrimSpace(in.get("UserName", "SMSTSRunCommandLineUserName")), "?")
	}
	return s
}

func writeRunCommandLine(out *output, s *sequence.RunCommandLine) {
	out.set("CommandLine", "", s.Command)
	out.set("PackageID", "", s.Package)
	out.set("OutputVariableName", "SMSTSRunCommandLineOutputVariableName", s.OutputVariable)
	out.bool("RunAsUser", "_SMSTSRunCommandLineAsUser", s.RunAs != "")
	out.set("UserName", "SMSTSRunCommandLineUserName", s.RunAs)
	out.attrs = append(out.attrs, attribute{"startIn", s.WorkingDirectory, "WorkingDirectory"})
	out.run("smsswd.exe /run:%s %s", s.Package, s.Command)
}

func readRunPowerShellScript(in *input) *sequence.RunPowerShellScript {
	s := &sequence.RunPowerShellScript{Package: in.get("PackageID", "OSDRunPowerShellScriptPackageID"), Script: in.get("ScriptName", "OSDRunPowerShellScriptScriptName"),
		Parameters: in.get("Parameters", "OSDRunPowerShellScriptParameters")}
	if s.Package == "" && in.get("SourceScript", "OSDRunPowerShellScriptSourceScript") != "" {
		in.warn("its script stands in the step itself: put it into a package")
	}
	if in.get("OutputVariableName", "OSDRunPowerShellScriptOutputVariableName") != "" || in.bool("RunAsUser", "_SMSTSRunPowerShellAsUser") {
		in.warn("the variable of its output and its account are kept for export and not used")
	}
	switch policy := in.get("ExecutionPolicy", "OSDRunPowerShellScriptExecutionPolicy"); strings.ToLower(policy) {
	case "allsigned":
		s.Policy = "allSigned"
	default:
		s.Policy = strings.ToLower(policy)
	}
	return s
}

func writeRunPowerShellScript(out *output, s *sequence.RunPowerShellScript) {
	out.set("PackageID", "OSDRunPowerShellScriptPackageID", s.Package)
	out.set("ScriptName", "OSDRunPowerShellScriptScriptName", s.Script)
	out.set("Parameters", "OSDRunPowerShellScriptParameters", s.Parameters)
	out.set("ExecutionPolicy", "OSDRunPowerShellScriptExecutionPolicy", map[string]string{"allSigned": "AllSigned", "undefined": "Undefined", "bypass": "Bypass"}[s.Policy])
	out.run("OSDRunPowerShellScript.exe")
}

// setForm is how Configuration Manager sets a variable.
var setForm = regexp.MustCompile(`(?is)^\s*tsenv2?\.exe\s+"([^=]*)=(.*)"(\s+/hiddenflag:\S*)?\s*$`)

func readSetVariable(in *input) *sequence.SetTaskSequenceVariable {
	name, el := in.find("VariableName")
	value := in.get("VariableValue")
	if m := setForm.FindStringSubmatch(action(in.el)); m != nil && el == nil {
		name, value = m[1], m[2]
	}
	return &sequence.SetTaskSequenceVariable{Variable: strings.TrimSpace(name), Value: value, Secret: in.bool("DoNotShowVariableValue")}
}

func writeSetVariable(out *output, s *sequence.SetTaskSequenceVariable) {
	out.set("VariableName", "", s.Variable)
	out.set("VariableValue", "", s.Value)
	out.bool("DoNotShowVariableValue", "", s.Secret)
	out.run(`tsenv.exe "%s=%s"`, s.Variable, s.Value)
	if s.Secret {
		out.action += " /hiddenflag:True"
	}
}
