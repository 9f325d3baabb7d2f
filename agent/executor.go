package agent

import (
	"path/filepath"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/sequence"
)

// executor wires the steps to this machine.
func (s *session) executor(seq *sequence.Sequence, permit disk.Permit) (*step.Executor, *machine.Volumes, error) {
	root := filepath.Join(s.conf.Run, "target")
	disks, err := machine.NewDisks(root)
	if err != nil {
		return nil, nil, err
	}
	say := func(text string) {
		if !s.job.HideProgress {
			s.console.Line("  %s", text)
		}
		s.log.Info(text)
	}
	volumes := &machine.Volumes{}
	x := &step.Executor{
		Disks: disks, Volumes: volumes, Commands: machine.Commands{},
		System: machine.System{Executable: s.conf.Executable, Client: s.job.ClientAgent},
		Images: &machine.Images{
			Source:  content.HTTPSource{Client: s.client.HTTP, Base: s.client.Base, Manifests: "/v1/manifests/", Blobs: "/v1/blobs/"},
			Content: s.job.Content, Keys: s.anchor.Signing, Dir: s.conf.Run, Mount: s.conf.Mount, Download: s.job.Download, Say: say,
		},
		Sequence: seq, Folder: s.folder, Permit: permit, InMemory: filepath.Join(s.conf.Run, "job"), Root: root,
		UEFI: s.hardware.UEFI, Computer: s.job.Computer, MAC: s.network.mac, Stage: s.stage,
		Say: say, Progress: s.progress(), Log: s.log,
	}
	return x, volumes, nil
}
