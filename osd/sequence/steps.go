package sequence

// PartitionDisk erases a disk and makes its volumes (Format and Partition
// Disk).
type PartitionDisk struct {
	Options
	// Disk is the number of the disk, from 0, among the internal fixed disks.
	// It is read only when Select is left out.
	Disk int `json:"disk"`
	// Select chooses the disk by what it is; more than one match fails.
	Select *Select `json:"select,omitempty"`
	// Style is gpt or mbr.
	Style   string   `json:"style"`
	Volumes []Volume `json:"volumes"`
}

// Select describes a disk. Fields that are left out fit every disk.
type Select struct {
	Bus     string `json:"bus,omitempty"`     // ata, nvme, scsi, virtio, mmc, hyperv or xen
	Model   string `json:"model,omitempty"`   // part of the model, any case
	MinSize string `json:"minSize,omitempty"` // such as 100GiB
	MaxSize string `json:"maxSize,omitempty"`
}

// Volume is one partition.
type Volume struct {
	Name string `json:"name,omitempty"`
	// Type is efi, biosBoot, primary, msr or recovery.
	Type string `json:"type"`
	// Size is a number of bytes with its unit, such as 256MiB, or a share of
	// the rest, such as 100%.
	Size string `json:"size"`
	// FileSystem is fat32, ext4, swap or ntfs; empty leaves it unformatted.
	FileSystem  string `json:"fileSystem,omitempty"`
	QuickFormat bool   `json:"quickFormat,omitempty"`
	Bootable    bool   `json:"bootable,omitempty"`
	// Variable receives the volume, for later steps.
	Variable string `json:"variable,omitempty"`
}

// ApplyOperatingSystem puts an image onto a volume (Apply Operating System
// Image).
type ApplyOperatingSystem struct {
	Options
	Image string `json:"image"` // name of an Image
	// Index is the image inside the WIM, from 1; 1 when left out.
	Index int `json:"index,omitempty"`
	// To is the volume: the value of a variable that partitionDisk set.
	To string `json:"to"`
}

// ApplyNetworkSettings sets the name and the network of the applied system.
type ApplyNetworkSettings struct {
	Options
	Workgroup string `json:"workgroup,omitempty"`
	// Adapters that are left out use DHCP.
	Adapters []Adapter `json:"adapters,omitempty"`
}

// Adapter is the configuration of one network adapter.
type Adapter struct {
	// MAC chooses the adapter; left out, it is the one that the machine is
	// deployed through.
	MAC string `json:"mac,omitempty"`
	// DHCP or Addresses: exactly one of them.
	DHCP       bool     `json:"dhcp,omitempty"`
	Addresses  []string `json:"addresses,omitempty"` // such as 10.1.2.3/24
	Gateways   []string `json:"gateways,omitempty"`
	DNSServers []string `json:"dnsServers,omitempty"`
	DNSSuffix  string   `json:"dnsSuffix,omitempty"`
}

// SetTaskSequenceVariable sets a variable.
type SetTaskSequenceVariable struct {
	Options
	Variable string `json:"variable"`
	Value    string `json:"value"`
	// Secret keeps the value out of logs and status messages.
	Secret bool `json:"secret,omitempty"`
}

// RunCommandLine runs a command: in the boot image by its shell, in the
// installed system by /bin/sh.
type RunCommandLine struct {
	Options
	Command          string `json:"command"`
	WorkingDirectory string `json:"workingDirectory,omitempty"`
	// OutputVariable receives what the command wrote to its standard output,
	// without the last line end.
	OutputVariable string `json:"outputVariable,omitempty"`
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

// SetupOperatingSystem makes the applied system start from its disk: boot
// loader, agent, restart into it, clean-up (Setup Windows and ConfigMgr).
type SetupOperatingSystem struct {
	Options
}

// Type implements Step.
func (*PartitionDisk) Type() Type           { return TypePartitionDisk }
func (*ApplyOperatingSystem) Type() Type    { return TypeApplyOperatingSystem }
func (*ApplyNetworkSettings) Type() Type    { return TypeApplyNetworkSettings }
func (*SetTaskSequenceVariable) Type() Type { return TypeSetTaskSequenceVariable }
func (*RunCommandLine) Type() Type          { return TypeRunCommandLine }
func (*RestartComputer) Type() Type         { return TypeRestartComputer }
func (*SetupOperatingSystem) Type() Type    { return TypeSetupOperatingSystem }
