// Package step makes the steps of a task sequence real, one file per type of
// step. It decides and asks; disks, images, boot loader and commands are behind
// small interfaces, so that tests can put something else there.
//
// It refuses to write to a volume that this job did not make, and hands the
// job's permit to everything that destroys. It knows nothing of networks.
package step

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/agent/bootloader"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/image"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// Disks lists and prepares the disks of the machine.
type Disks interface {
	// Scan lists them, with their numbers.
	Scan() ([]disk.Disk, error)
	// Prepare partitions and formats one, if the permit allows it.
	Prepare(ctx context.Context, permit disk.Permit, d disk.Disk, style diskfs.Style, volumes []diskfs.Volume, say func(string)) ([]disk.Prepared, error)
}

// Volumes mounts volumes. Both calls may be repeated.
type Volumes interface {
	Mount(device string, fs diskfs.FileSystem, at string) error
	Unmount(at string) error
}

// Images lays images down.
type Images interface {
	// Need says what an image takes on its volume. It reads the image's description only.
	Need(ctx context.Context, name string, index int) (image.Need, error)
	// Holds says whether the image has a file at a path, without fetching its content.
	Holds(ctx context.Context, name string, index int, path string) (bool, error)
	// Apply puts image index of the named image onto the volume mounted at
	// target; progress gets bytes done and in all.
	Apply(ctx context.Context, name string, index int, target string, progress func(done, total int64)) error
	// ApplyNTFS is Apply for an NTFS volume, which is not mounted.
	ApplyNTFS(ctx context.Context, name string, index int, device string, progress func(done, total int64)) error
}

// System sets an applied system up while it is mounted.
type System interface {
	Settings(dir string, s settings.Settings) error
	Windows(ctx context.Context, dir string, w settings.Windows) error
	BootLoader(ctx context.Context, s bootloader.System, say func(string)) error
	// Agent installs the agent so that it goes on after the restart.
	Agent(root string) error
	// Unlock lays the temporary key of an encrypted system into its /boot.
	Unlock(root string, v unlock.Volume, key []byte) error
}

// Commands runs command lines.
type Commands interface {
	// Run runs a command by the system's shell. stdout is the standard output, output both
	// outputs as they came; both are cut to their ends. When ctx ends, nothing that the command
	// started goes on.
	Run(ctx context.Context, c Command) (code int, stdout, output string, err error)
}

// Command is a command line and how it runs.
type Command struct {
	Line string
	// Dir is the folder where it starts; that of the agent when empty.
	Dir string
	// Variables are in its environment, beside the usual ones.
	Variables map[string]string
	// RunAs is the user of the running system that it runs as; the agent's own, root, when empty.
	RunAs string
}

// Executor implements engine.Executor.
type Executor struct {
	Disks    Disks
	Volumes  Volumes
	Images   Images
	System   System
	Commands Commands
	Shares   Shares
	Members  Members
	Running  Running
	Packages Packages
	Updates  Updates

	Sequence *sequence.Sequence
	// Facts is what conditions of Set Dynamic Variables and Check Readiness ask; may be nil.
	Facts  sequence.Facts
	Folder *job.Folder
	// Permit is nil when the job may erase nothing.
	Permit disk.Permit
	// InMemory is where the job folder lives while there is no volume for it.
	InMemory string
	// Root is where the target's volume is mounted, Data where a volume of data is while an
	// image is applied to it.
	Root, Data string
	// UEFI, Computer and MAC are the firmware, the name that the machine is to
	// have and the adapter that it is deployed through.
	UEFI     bool
	Computer string
	MAC      string
	// Stage is status.StageBootImage or status.StageInstalledSystem.
	Stage string
	// Say shows a line; Progress shows how far the step is, in bytes.
	Say      func(string)
	Progress func(line sequence.Line, done, total int64)
	Log      *slog.Logger
}

// Execute implements engine.Executor.
func (x *Executor) Execute(ctx context.Context, line sequence.Line, env *sequence.Environment) engine.Result {
	x.Log.Info("start executing step", "number", line.Number, "name", line.Name(), "type", line.Node.Step.Type())
	res := x.execute(ctx, line, env)
	switch {
	case res.Err != nil:
		x.Log.Error("the step failed", "number", line.Number, "name", line.Name(), "code", res.ExitCode, "error", env.Redact(res.Err.Error()))
	default:
		x.Log.Info("the step ended", "number", line.Number, "name", line.Name(), "code", res.ExitCode)
	}
	return res
}

func (x *Executor) execute(ctx context.Context, line sequence.Line, env *sequence.Environment) engine.Result {
	switch s := line.Node.Step.(type) {
	case *sequence.PartitionDisk:
		return x.partitionDisk(ctx, line, s, env)
	case *sequence.ApplyOperatingSystem:
		return x.applyOperatingSystem(ctx, line, s, env)
	case *sequence.ApplyDataImage:
		return x.applyDataImage(ctx, line, s, env)
	case *sequence.ApplyNetworkSettings:
		return x.applyNetworkSettings(ctx, s, env)
	case *sequence.SetTaskSequenceVariable:
		return setVariable(s, env)
	case *sequence.RunCommandLine:
		return x.runCommandLine(ctx, line, s, env)
	case *sequence.InstallPackage:
		return x.installPackage(ctx, line, s, env)
	case *sequence.DownloadPackageContent:
		return x.downloadPackageContent(ctx, line, s, env)
	case *sequence.InstallSoftwareUpdates:
		return x.installSoftwareUpdates(ctx, s)
	case *sequence.RestartComputer:
		return x.restartComputer(s, env)
	case *sequence.SetupOperatingSystem:
		return x.setupOperatingSystem(ctx, env)

	case *sequence.SetDynamicVariables:
		return x.setDynamicVariables(s, env)
	case *sequence.CheckReadiness:
		return x.checkReadiness(s, env)
	case *sequence.ConnectToNetworkFolder:
		return x.connectToNetworkFolder(ctx, s, env)
	case *sequence.JoinDomainOrWorkgroup:
		return x.joinDomainOrWorkgroup(ctx, s, env)
	case *sequence.CaptureNetworkSettings:
		return x.captureNetworkSettings(ctx, s, env)
	case *sequence.CaptureWindowsSettings:
		return x.captureWindowsSettings(s, env)
	case *sequence.ApplyWindowsSettings:
		return x.applyWindowsSettings(ctx, s, env)
	}
	if err := line.Node.Step.Type().Supported(); err != nil {
		return failed(err)
	}
	return failed(fmt.Errorf("a step of type %s cannot run here: this agent does not know it; update the boot image", line.Node.Step.Type().Guide()))
}

func failed(err error) engine.Result { return engine.Result{Err: err} }

// layout reads what partitionDisk made in this job.
func (x *Executor) layout() (job.Layout, error) {
	var l job.Layout
	if err := x.Folder.ReadJSON(job.FileDisk, &l); err != nil {
		return l, errors.New("no disk was partitioned in this job; put a partitionDisk step before this one")
	}
	return l, nil
}

// Return takes the job folder back to the target's volume, which it left when the sequence
// failed in the boot image. Without such a volume it stays where it is.
func (x *Executor) Return() error {
	l, err := x.layout()
	if err != nil || l.Target == "" || x.Stage != status.StageBootImage || strings.HasPrefix(x.Folder.Dir(), x.Root+"/") {
		return nil
	}
	if _, _, err := x.target(); err != nil {
		return err
	}
	return x.Folder.Move(filepath.Join(x.Root, job.Name))
}

// bootFolder is where the volume of /boot is mounted below Root.
const bootFolder = "boot"

// mountTarget mounts a volume that holds an operating system, and that of its /boot.
func (x *Executor) mountTarget(l job.Layout, v job.Volume) error {
	if err := x.Volumes.Mount(v.Device, diskfs.FileSystem(v.FileSystem), x.Root); err != nil {
		return err
	}
	boot := l.Boot()
	if boot == nil {
		return nil
	}
	return x.Volumes.Mount(boot.Device, diskfs.FileSystem(boot.FileSystem), filepath.Join(x.Root, bootFolder))
}

// target mounts the volume that holds the operating system.
func (x *Executor) target() (job.Layout, job.Volume, error) {
	l, err := x.layout()
	if err != nil {
		return l, job.Volume{}, err
	}
	for _, v := range l.Volumes {
		if l.Target != "" && v.Device == l.Target {
			return l, v, x.mountTarget(l, v)
		}
	}
	return l, job.Volume{}, errors.New("no operating system was applied in this job; put an applyOperatingSystem step before this one")
}
