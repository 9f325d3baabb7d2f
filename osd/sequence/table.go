package sequence

import "slices"

// Type is the YAML key of a step.
type Type string

// The types of steps.
const (
	TypeRunCommandLine          Type = "runCommandLine"
	TypeRunPowerShellScript     Type = "runPowerShellScript"
	TypeSetTaskSequenceVariable Type = "setTaskSequenceVariable"
	TypeSetDynamicVariables     Type = "setDynamicVariables"
	TypeRunTaskSequence         Type = "runTaskSequence"
	TypeCheckReadiness          Type = "checkReadiness"
	TypeConnectToNetworkFolder  Type = "connectToNetworkFolder"
	TypeJoinDomainOrWorkgroup   Type = "joinDomainOrWorkgroup"
	TypeRestartComputer         Type = "restartComputer"

	TypeInstallPackage         Type = "installPackage"
	TypeInstallSoftwareUpdates Type = "installSoftwareUpdates"
	TypeDownloadPackageContent Type = "downloadPackageContent"

	TypePartitionDisk         Type = "partitionDisk"
	TypeConvertDiskToDynamic  Type = "convertDiskToDynamic"
	TypeEnableBitLocker       Type = "enableBitLocker"
	TypeDisableBitLocker      Type = "disableBitLocker"
	TypePreprovisionBitLocker Type = "preprovisionBitLocker"

	TypeRequestStateStore Type = "requestStateStore"
	TypeCaptureUserState  Type = "captureUserState"
	TypeRestoreUserState  Type = "restoreUserState"
	TypeReleaseStateStore Type = "releaseStateStore"

	TypeApplyOperatingSystem     Type = "applyOperatingSystem"
	TypeApplyDataImage           Type = "applyDataImage"
	TypeSetupOperatingSystem     Type = "setupOperatingSystem"
	TypeInstallDeploymentTools   Type = "installDeploymentTools"
	TypePrepareClientForCapture  Type = "prepareClientForCapture"
	TypePrepareWindowsForCapture Type = "prepareWindowsForCapture"
	TypeCaptureOperatingSystem   Type = "captureOperatingSystem"

	TypeAutoApplyDrivers   Type = "autoApplyDrivers"
	TypeApplyDriverPackage Type = "applyDriverPackage"

	TypeCaptureNetworkSettings Type = "captureNetworkSettings"
	TypeCaptureWindowsSettings Type = "captureWindowsSettings"
	TypeApplyNetworkSettings   Type = "applyNetworkSettings"
	TypeApplyWindowsSettings   Type = "applyWindowsSettings"

	TypeUnknown Type = "unknown"
)

// TypeInfo names one type of step in every notation.
type TypeInfo struct {
	Type  Type
	Guide string // name in the guide's task sequence editor
	XML   string // type attribute of exported task sequences
	// Missing is what this version lacks to run the step; empty if it runs.
	Missing string
	make    func() Step
}

// Types is the one table of step types, in the order of the editor's menu.
func Types() []TypeInfo {
	return []TypeInfo{
		{TypeRunCommandLine, "Run Command Line", "SMS_TaskSequence_RunCommandLineAction", "", func() Step { return new(RunCommandLine) }},
		{TypeRunPowerShellScript, "Run PowerShell Script", "SMS_TaskSequence_RunPowerShellScriptAction", "PowerShell", func() Step { return new(RunPowerShellScript) }},
		{TypeSetTaskSequenceVariable, "Set Task Sequence Variable", "SMS_TaskSequence_SetVariableAction", "", func() Step { return new(SetTaskSequenceVariable) }},
		{TypeSetDynamicVariables, "Set Dynamic Variables", "SMS_TaskSequence_SetDynamicVariablesAction", "", func() Step { return new(SetDynamicVariables) }},
		{TypeRunTaskSequence, "Run Task Sequence", "SMS_TaskSequence_SubTasksequence", "", func() Step { return new(RunTaskSequence) }},
		{TypeCheckReadiness, "Check Readiness", "SMS_TaskSequence_PrestartCheckAction", "", func() Step { return new(CheckReadiness) }},
		{TypeConnectToNetworkFolder, "Connect To Network Folder", "SMS_TaskSequence_ConnectNetworkFolderAction", "", func() Step { return new(ConnectToNetworkFolder) }},
		{TypeJoinDomainOrWorkgroup, "Join Domain or Workgroup", "SMS_TaskSequence_JoinDomainWorkgroupAction", "", func() Step { return new(JoinDomainOrWorkgroup) }},
		{TypeRestartComputer, "Restart Computer", "SMS_TaskSequence_RebootAction", "", func() Step { return new(RestartComputer) }},

		{TypeInstallPackage, "Install Package", "SMS_TaskSequence_InstallSoftwareAction", "", func() Step { return new(InstallPackage) }},
		{TypeInstallSoftwareUpdates, "Install Software Updates", "SMS_TaskSequence_InstallUpdateAction", "", func() Step { return new(InstallSoftwareUpdates) }},
		{TypeDownloadPackageContent, "Download Package Content", "SMS_TaskSequence_DownloadPackageContentAction", "", func() Step { return new(DownloadPackageContent) }},

		{TypePartitionDisk, "Format and Partition Disk", "SMS_TaskSequence_PartitionDiskAction", "", func() Step { return new(PartitionDisk) }},
		{TypeConvertDiskToDynamic, "Convert Disk to Dynamic", "SMS_TaskSequence_ConvertDiskAction", "dynamic disks of Windows", func() Step { return new(ConvertDiskToDynamic) }},
		{TypeEnableBitLocker, "Enable BitLocker", "SMS_TaskSequence_EnableBitLockerAction", "an agent for Windows", func() Step { return new(EnableBitLocker) }},
		{TypeDisableBitLocker, "Disable BitLocker", "SMS_TaskSequence_DisableBitLockerAction", "an agent for Windows", func() Step { return new(DisableBitLocker) }},
		{TypePreprovisionBitLocker, "Pre-provision BitLocker", "SMS_TaskSequence_OfflineEnableBitLockerAction", "an agent for Windows", func() Step { return new(PreprovisionBitLocker) }},

		{TypeRequestStateStore, "Request State Store", "SMS_TaskSequence_RequestStateStoreAction", "the state migration point", func() Step { return new(RequestStateStore) }},
		{TypeCaptureUserState, "Capture User State", "SMS_TaskSequence_CaptureUserStateAction", "the capture of user state", func() Step { return new(CaptureUserState) }},
		{TypeRestoreUserState, "Restore User State", "SMS_TaskSequence_RestoreUserStateAction", "the restoring of user state", func() Step { return new(RestoreUserState) }},
		{TypeReleaseStateStore, "Release State Store", "SMS_TaskSequence_ReleaseStateStoreAction", "the state migration point", func() Step { return new(ReleaseStateStore) }},

		{TypeApplyOperatingSystem, "Apply Operating System", "SMS_TaskSequence_ApplyOperatingSystemAction", "", func() Step { return new(ApplyOperatingSystem) }},
		{TypeApplyDataImage, "Apply Data Image", "SMS_TaskSequence_ApplyDataImageAction", "", func() Step { return new(ApplyDataImage) }},
		{TypeSetupOperatingSystem, "Setup Operating System", "SMS_TaskSequence_SetupWindowsAndSMSAction", "", func() Step { return new(SetupOperatingSystem) }},
		{TypeInstallDeploymentTools, "Install Deployment Tools", "SMS_TaskSequence_InstallDeployToolsAction", "sysprep, which is for Windows", func() Step { return new(InstallDeploymentTools) }},
		{TypePrepareClientForCapture, "Prepare Client for Capture", "SMS_TaskSequence_PrepareSMSClientAction", "the capture of images", func() Step { return new(PrepareClientForCapture) }},
		{TypePrepareWindowsForCapture, "Prepare Windows for Capture", "SMS_TaskSequence_PrepareOSAction", "sysprep, which is for Windows", func() Step { return new(PrepareWindowsForCapture) }},
		{TypeCaptureOperatingSystem, "Capture Operating System Image", "SMS_TaskSequence_CaptureSystemImageAction", "the capture of images", func() Step { return new(CaptureOperatingSystem) }},

		{TypeAutoApplyDrivers, "Auto Apply Drivers", "SMS_TaskSequence_AutoApplyAction", "the driver catalog", func() Step { return new(AutoApplyDrivers) }},
		{TypeApplyDriverPackage, "Apply Driver Package", "SMS_TaskSequence_ApplyDriverPackageAction", "the driver catalog", func() Step { return new(ApplyDriverPackage) }},

		{TypeCaptureNetworkSettings, "Capture Network Settings", "SMS_TaskSequence_CaptureNetworkSettingsAction", "", func() Step { return new(CaptureNetworkSettings) }},
		{TypeCaptureWindowsSettings, "Capture Windows Settings", "SMS_TaskSequence_CaptureWindowsSettingsAction", "", func() Step { return new(CaptureWindowsSettings) }},
		{TypeApplyNetworkSettings, "Apply Network Settings", "SMS_TaskSequence_ApplyNetworkSettingsAction", "", func() Step { return new(ApplyNetworkSettings) }},
		{TypeApplyWindowsSettings, "Apply Windows Settings", "SMS_TaskSequence_ApplyWindowsSettingsAction", "", func() Step { return new(ApplyWindowsSettings) }},

		{TypeUnknown, "Unknown Step", "", "knowledge of this step", func() Step { return new(Unknown) }},
	}
}

// Guide is the name of the type in the guide.
func (t Type) Guide() string {
	if i := info(t); i != nil {
		return i.Guide
	}
	return string(t)
}

// Missing is what this version lacks to run steps of the type; empty if it runs them.
func (t Type) Missing() string {
	if i := info(t); i != nil {
		return i.Missing
	}
	return "knowledge of this step"
}

func info(t Type) *TypeInfo {
	types := Types()
	i := slices.IndexFunc(types, func(i TypeInfo) bool { return i.Type == t })
	if i < 0 {
		return nil
	}
	return &types[i]
}

// New makes an empty step of a type, or nil.
func New(t Type) Step {
	if i := info(t); i != nil {
		return i.make()
	}
	return nil
}
