package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bootward/bootward/agent/cmlog"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// newLog makes smsts.log in the folder of the job.
func (s *session) newLog() {
	s.written = job.NewLog(s.folder)
	s.log = slog.New(cmlog.NewHandler(s.written, slog.LevelInfo, s.hidden.redact))
}

// hidden takes the secrets that were released to the job, and its secret variables, out of
// what is logged, for as long as this process lives. The zero value is ready.
type hidden struct {
	mu      sync.Mutex
	secrets []string
}

func (h *hidden) add(values ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range values {
		if !slices.Contains(h.secrets, v) {
			h.secrets = append(h.secrets, v)
		}
	}
}

func (h *hidden) redact(text string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sequence.Stars(text, h.secrets)
}

// How the log goes to the box.
const (
	logPause = 2 * time.Second  // between two parts
	logWait  = 30 * time.Second // after a failure
)

// sendLog sends the log to the box as it grows, until ctx ends or the box takes no
// more: the messages matter, the log is a help. It begins with a question, since an
// earlier run may have sent some.
func (s *session) sendLog(ctx context.Context) {
	offset, asked := int64(0), false
	for {
		changed := s.written.Changed()
		part, at, err := s.written.Read(offset, api.MaxLogChunk)
		if !asked {
			part, at = nil, 0
		}
		if err == nil && (len(part) > 0 || !asked) {
			var ack api.LogAck
			if ack, err = s.sendPart(ctx, at, at > offset, part); err == nil {
				offset, asked = ack.Next, true
			}
		}
		wait := logPause
		switch {
		case ctx.Err() != nil || api.Final(err):
			return
		case err != nil:
			wait = logWait
		}
		if !supervisor.Sleep(ctx, wait) {
			return
		}
		if err == nil && asked && len(part) == 0 && s.sent(offset) {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// sent says whether there is nothing of the log behind an offset.
func (s *session) sent(offset int64) bool {
	part, _, err := s.written.Read(offset, 1)
	return err == nil && len(part) == 0
}

func (s *session) sendPart(ctx context.Context, at int64, gap bool, part []byte) (api.LogAck, error) {
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s.client.Log(short, at, gap, part)
}

// lastOfLog sends what the box does not have yet at the end: as much as a few seconds
// allow.
func (s *session) lastOfLog(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for offset, tries := int64(0), 0; tries < 20; tries++ {
		part, at, err := s.written.Read(offset, api.MaxLogChunk)
		if tries == 0 {
			part = nil // a question
		}
		if err != nil || tries > 0 && len(part) == 0 {
			return
		}
		ack, err := s.sendPart(limited, at, at > offset, part)
		if err != nil || tries > 0 && ack.Next <= offset {
			return
		}
		offset = ack.Next
	}
}

// Where table 32 of the guide wants the log. In the boot image it is in memory, or on
// the target's volume once that exists.
const (
	installedLogs = "/var/log/bootward" // where the client keeps it
	installedTemp = "/var/tmp"          // while there is no client
	failedLogs    = "SMSTSLog"          // on the target's volume, behind a failure in the boot image
)

// logPath is where the log is, for people and for _SMSTSLogPath.
func (s *session) logPath() string {
	switch {
	case s.stage != status.StageInstalledSystem:
		return s.folder.Dir()
	case s.conf.resident:
		return installedLogs
	}
	return installedTemp
}

// linkLog lets the log of a job that runs in the installed system be found where table
// 32 has it; it lies in the job's folder. At the end the log itself takes its place.
func (s *session) linkLog() {
	dir := filepath.Join(s.conf.Root, s.logPath())
	link := filepath.Join(dir, job.FileLog)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		s.log.Warn("show the log where it is looked for", "error", err)
		return
	}
	_ = os.Remove(link) // of the job before; one that stays makes Symlink fail
	if err := os.Symlink(filepath.Join(s.folder.Dir(), job.FileLog), link); err != nil {
		s.log.Warn("show the log where it is looked for", "error", err)
	}
}

// unlinkLog takes the link in the folder for temporary files away.
func (s *session) unlinkLog() {
	link := filepath.Join(s.conf.Root, installedTemp, job.FileLog)
	if _, err := os.Readlink(link); err == nil {
		_ = os.Remove(link) // it points nowhere from now on: no harm
	}
}

// leaveLog puts the log where it stays when a sequence fails in the boot image:
// the folder SMSTSLog of the target's volume, if there is one. Nothing is written to
// disks that the sequence did not come to.
func (s *session) leaveLog() error {
	if dir := s.leftLog(); dir != "" {
		return s.folder.KeepLog(dir, 0o700, 0o600)
	}
	return nil
}

// takeLog removes what leaveLog left: the job goes on behind the failure, and keeps its own log.
func (s *session) takeLog() error {
	if dir := s.leftLog(); dir != "" {
		return os.RemoveAll(dir)
	}
	return nil
}

// leftLog is where leaveLog leaves the log; empty while the job's folder is not on the target's
// volume.
func (s *session) leftLog() string {
	root := filepath.Join(s.conf.Run, "target")
	if s.folder.Dir() != filepath.Join(root, job.Name) {
		return ""
	}
	return filepath.Join(root, failedLogs)
}
