package simulate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

func (s *simulator) partitionDisk(p *sequence.PartitionDisk, env *sequence.Environment) engine.Result {
	if s.stage != status.StageBootImage {
		return failed(errors.New("the disk of a system that runs is not erased; restart to bootImage first"))
	}
	own := p
	changed, err := p.WithVariables(env)
	switch {
	case err == nil:
		p = changed
	case isUnknown(err.Error()):
		s.step.Warnings = append(s.step.Warnings, "what it takes or makes of it is not known: "+err.Error())
	default:
		return failed(err)
	}
	index := fmt.Sprint(p.Disk)
	if v, _ := env.Get("OSDDiskIndex"); isUnknown(v) {
		index = v
	}
	disk, warning, err := s.run.Machine.choose(p, index)
	if err != nil {
		return failed(err)
	}
	if warning != "" {
		s.step.Warnings = append(s.step.Warnings, warning)
	}
	if was, again := s.named[disk]; again && own.Select == nil && was != own.Disk {
		return failed(fmt.Errorf("OSDDiskIndex leads to %s, which an earlier step has partitioned; that step names disk %d and this one disk %d", disk, was, own.Disk))
	}
	if own.Select == nil {
		s.named[disk] = own.Disk
	}
	s.step.Erases = disk
	var names []string
	for _, v := range p.Volumes {
		names = append(names, strings.TrimSpace(strings.Join([]string{v.Name, v.Type, v.Size, v.FileSystem}, " ")))
		if v.Variable == "" {
			continue
		}
		s.disks[strings.ToLower(v.Variable)] = disk
		if err := env.Set(v.Variable, unknown("volume "+v.Variable)); err != nil {
			return failed(err)
		}
	}
	s.step.Detail = p.Style + ": " + strings.Join(names, ", ")
	s.partitioned = true
	if disk == s.systemDisk {
		s.applied, s.setUp, s.systemDisk = false, false, ""
	}
	return engine.Result{}
}

// image puts an image onto a volume.
func (s *simulator) image(name, to string, env *sequence.Environment) engine.Result {
	at, err := env.Expand(to)
	switch {
	case err != nil:
		return failed(err)
	case at == "" || strings.Contains(at, "%"):
		return failed(fmt.Errorf("to: %q gives no volume; a partitionDisk step before this one must set the variable", to))
	case !s.partitioned:
		return failed(errors.New("no disk was partitioned in this job; put a partitionDisk step before this one"))
	}
	s.step.Detail = fmt.Sprintf("image %s to %s", name, to)
	return engine.Result{}
}

func (s *simulator) applyOperatingSystem(a *sequence.ApplyOperatingSystem, env *sequence.Environment) engine.Result {
	res := s.image(a.Image, a.To, env)
	if res.Err != nil {
		return res
	}
	s.applied, s.setUp = true, false
	for _, m := range reference.FindAllStringSubmatch(a.To, -1) {
		s.systemDisk = s.disks[strings.ToLower(m[1])]
	}
	to, err := env.Expand(a.To)
	return failed(errors.Join(err, env.Set("OSDTargetSystemDrive", to), env.Set("OSDTargetSystemRoot", unknown("folder of the applied system"))))
}

func (s *simulator) setupOperatingSystem() engine.Result {
	switch {
	case s.stage != status.StageBootImage:
		return failed(errors.New("the step belongs into the boot image, before the restart into the installed system"))
	case !s.applied:
		return failed(errors.New("no operating system was applied in this job; put an applyOperatingSystem step before this one"))
	}
	s.setUp = true
	s.step.Detail = "boot loader and agent"
	return engine.Result{Restart: &engine.Restart{To: sequence.ToInstalledOS}}
}

func (s *simulator) restartComputer(r *sequence.RestartComputer, env *sequence.Environment) engine.Result {
	switch {
	case s.stage == status.StageBootImage && !s.partitioned:
		return failed(errors.New("the job could not go on after a restart: its folder is in memory; partition the disk first"))
	case s.stage == status.StageBootImage && r.To == sequence.ToInstalledOS && !s.setUp:
		return failed(errors.New("the disk holds no system that starts and goes on with the sequence; put setupOperatingSystem before it"))
	}
	message, err := env.Expand(r.Message)
	if err != nil {
		return failed(err)
	}
	s.step.Detail = message
	return engine.Result{Restart: &engine.Restart{To: r.To, Message: message, Delay: time.Duration(r.Delay)}}
}
