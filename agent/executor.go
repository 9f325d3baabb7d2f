package agent

import (
	"path/filepath"
	"strconv"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/sequence"
)

// executor wires the steps to this machine.
func (s *session) executor(seq *sequence.Sequence, permit disk.Permit) (*step.Executor, *machine.Volumes, error) {
	root, data := filepath.Join(s.conf.Run, "target"), filepath.Join(s.conf.Run, "data")
	disks, err := machine.NewDisks(root, data)
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
	source := content.HTTPSource{Client: s.client.HTTP, Base: s.client.Base, Manifests: "/v1/manifests/", Blobs: "/v1/blobs/"}
	images := &machine.Images{
		Source: source, Content: s.job.Content, Keys: s.anchor.Signing, Dir: s.conf.Run, Mount: s.conf.Mount,
		Download: s.job.Download, Retries: s.retries, Say: say, Search: s.follow,
	}
	disks.Tools.Runner = images
	x := &step.Executor{
		Disks: disks, Volumes: volumes, Images: images, Commands: machine.Commands{}, Shares: volumes, Members: machine.Members{}, Running: machine.Running{},
		Updates: machine.Updates{Say: say}, Packages: &machine.Packages{Source: source, Content: s.job.Content, Keys: s.anchor.Signing, Say: say},
		System:   machine.System{Executable: s.conf.Executable, Client: s.job.ClientAgent},
		Sequence: seq, Folder: s.folder, Permit: permit, InMemory: filepath.Join(s.conf.Run, "job"), Root: root, Data: data,
		Facts: s.facts(), UEFI: s.hardware.UEFI, Computer: s.job.Computer, MAC: s.network.mac, Stage: s.stage,
		Say: say, Progress: s.progress(), Log: s.log,
	}
	return x, volumes, nil
}

// retries is what SMSTSDownloadRetryCount and SMSTSDownloadRetryDelay (in seconds) say as a step
// begins; what they do not say is as it always is.
func (s *session) retries() (count int, delay time.Duration) {
	count, delay = machine.DownloadRetries, machine.DownloadDelay
	if n, err := strconv.Atoi(s.variable("SMSTSDownloadRetryCount")); err == nil && n >= 0 && n <= 1000 {
		count = n
	}
	return count, seconds(s.variable("SMSTSDownloadRetryDelay"), delay)
}
