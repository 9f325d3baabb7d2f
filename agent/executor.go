package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
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
	supply := &machine.Supply{Source: source, Content: s.job.Content, Keys: s.anchor.Signing, Retries: s.retries, Say: say, Search: s.follow}
	images := &machine.Images{Supply: supply, Dir: s.conf.Run, Mount: s.conf.Mount, Download: s.job.Download}
	disks.Tools.Runner = images
	x := &step.Executor{
		Disks: disks, Volumes: volumes, Images: images, Commands: machine.Commands{}, Shares: volumes, Members: machine.Members{}, Running: machine.Running{},
		Updates: machine.Updates{Say: say}, Packages: &machine.Packages{Supply: supply},
		System:   machine.System{Executable: s.conf.Executable, Client: s.job.ClientAgent},
		Sequence: seq, Folder: s.folder, Permit: permit, InMemory: filepath.Join(s.conf.Run, "job"), Root: root, Data: data,
		Facts: s.facts(), UEFI: s.hardware.UEFI, Computer: s.job.Computer, MAC: s.network.mac, Stage: s.stage,
		Say: say, Progress: s.progress(), Log: s.log,
	}
	return x, volumes, nil
}

// retries is what SMSTSDownloadRetryCount and SMSTSDownloadRetryDelay (in seconds) say as a step
// begins; what they do not say is as the guide has it.
func (s *session) retries() (count int, delay time.Duration, err error) {
	count, errCount := s.number("SMSTSDownloadRetryCount", machine.DownloadRetries, 1000)
	wait, errDelay := s.number("SMSTSDownloadRetryDelay", int(machine.DownloadDelay/time.Second), 3600)
	return count, time.Duration(wait) * time.Second, errors.Join(errCount, errDelay)
}

// number reads a variable of the engine that holds a number, as it is when a step begins.
func (s *session) number(name string, otherwise, most int) (int, error) {
	var state engine.State
	if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
		return otherwise, nil // the sequence did not begin
	}
	env, err := state.Environment()
	if err != nil {
		return otherwise, err
	}
	text, _ := env.Get(name)
	if text, err = env.Expand(text); err != nil || strings.TrimSpace(text) == "" {
		return otherwise, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("variable %s: %q: give a number from 0 to %d", name, text, most)
	}
	return n, nil
}
