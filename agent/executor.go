package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
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
	source := content.HTTPSource{Client: s.client.HTTP, Base: s.client.Base, Manifests: "/v1/manifests/", Blobs: "/v1/blobs/"}
	x := &step.Executor{
		Disks: disks, Volumes: volumes, Commands: machine.Commands{}, Updates: machine.Updates{Say: say},
		Packages: &machine.Packages{Source: source, Content: s.job.Content, Keys: s.anchor.Signing, Say: say},
		System:   machine.System{Executable: s.conf.Executable, Client: s.job.ClientAgent},
		Images: &machine.Images{
			Source: source, Content: s.job.Content, Keys: s.anchor.Signing, Dir: s.conf.Run, Mount: s.conf.Mount, Download: s.job.Download, Retries: s.retries, Say: say,
		},
		Sequence: seq, Folder: s.folder, Permit: permit, InMemory: filepath.Join(s.conf.Run, "job"), Root: root,
		UEFI: s.hardware.UEFI, Computer: s.job.Computer, MAC: s.network.mac, Stage: s.stage,
		Say: say, Progress: s.progress(), Log: s.log,
	}
	return x, volumes, nil
}

// leaveLog puts the log where it stays when a sequence fails in the boot image:
// the folder SMSTSLog of the target's volume (guide, table 32), if there is one.
func (s *session) leaveLog() error {
	root := filepath.Join(s.conf.Run, "target")
	if s.folder.Dir() != filepath.Join(root, job.Name) {
		return nil
	}
	raw, err := s.folder.Read(job.FileLog)
	if err != nil {
		return nil // there is no log to leave
	}
	dir := filepath.Join(root, "SMSTSLog")
	return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, job.FileLog), raw, 0o600))
}

// logPath is where the log is, for people and for _SMSTSLogPath.
func (s *session) logPath() string {
	if s.stage == status.StageInstalledSystem {
		return installedLogs
	}
	return s.folder.Dir()
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
