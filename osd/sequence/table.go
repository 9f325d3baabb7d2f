package sequence

import "slices"

// Type is the YAML key of a step.
type Type string

// The types of steps.
const (
	TypePartitionDisk           Type = "partitionDisk"
	TypeApplyOperatingSystem    Type = "applyOperatingSystem"
	TypeApplyNetworkSettings    Type = "applyNetworkSettings"
	TypeSetTaskSequenceVariable Type = "setTaskSequenceVariable"
	TypeRunCommandLine          Type = "runCommandLine"
	TypeRestartComputer         Type = "restartComputer"
	TypeSetupOperatingSystem    Type = "setupOperatingSystem"
)

// TypeInfo names one type of step in every notation.
type TypeInfo struct {
	Type  Type
	Guide string // name in the guide's task sequence editor
	XML   string // type attribute of exported task sequences
	make  func() Step
}

// Types is the one table of step types.
func Types() []TypeInfo {
	return []TypeInfo{
		{TypePartitionDisk, "Format and Partition Disk", "SMS_TaskSequence_PartitionDiskAction", func() Step { return new(PartitionDisk) }},
		{TypeApplyOperatingSystem, "Apply Operating System", "SMS_TaskSequence_ApplyOperatingSystemAction", func() Step { return new(ApplyOperatingSystem) }},
		{TypeApplyNetworkSettings, "Apply Network Settings", "SMS_TaskSequence_ApplyNetworkSettingsAction", func() Step { return new(ApplyNetworkSettings) }},
		{TypeSetTaskSequenceVariable, "Set Task Sequence Variable", "SMS_TaskSequence_SetVariableAction", func() Step { return new(SetTaskSequenceVariable) }},
		{TypeRunCommandLine, "Run Command Line", "SMS_TaskSequence_RunCommandLineAction", func() Step { return new(RunCommandLine) }},
		{TypeRestartComputer, "Restart Computer", "SMS_TaskSequence_RebootAction", func() Step { return new(RestartComputer) }},
		{TypeSetupOperatingSystem, "Setup Operating System", "SMS_TaskSequence_SetupWindowsAndSMSAction", func() Step { return new(SetupOperatingSystem) }},
	}
}

// Guide is the name of the type in the guide.
func (t Type) Guide() string {
	if i := info(t); i != nil {
		return i.Guide
	}
	return string(t)
}

func info(t Type) *TypeInfo {
	types := Types()
	i := slices.IndexFunc(types, func(i TypeInfo) bool { return i.Type == t })
	if i < 0 {
		return nil
	}
	return &types[i]
}

// newStep makes an empty step of a type, or nil.
func newStep(t Type) Step {
	if i := info(t); i != nil {
		return i.make()
	}
	return nil
}
