package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// leave ends what a job had on this machine. The client stays; the agent of a
// deployment becomes the client if the site wants that and the deployment
// succeeded; otherwise nothing stays.
func (s *session) leave(succeeded bool) (Next, error) {
	switch {
	case s.conf.resident:
		return "", s.folder.Remove()
	case !succeeded || !s.job.ClientAgent:
		return "", errors.Join(s.folder.Remove(), machine.Uninstall(s.conf.Root))
	}
	anchor, errAnchor := s.folder.Read(job.FileAnchor)
	box, errBox := s.folder.Read(job.FileBox)
	if err := errors.Join(errAnchor, errBox); err != nil {
		return "", fmt.Errorf("keep the client: %w", err)
	}
	if err := machine.KeepClient(s.conf.Root, anchor, box); err != nil {
		return "", err
	}
	s.console.Line("the agent stays, as the client of this machine")
	return NextClient, errors.Join(s.folder.Remove(), machine.Retire(s.conf.Root))
}

// stand shows a job that failed, and keeps it as long as a failure stands on the screen of a boot
// image: by says who lets it go on meanwhile. What a person began at this machine does not stand:
// he reads the error, and begins it again.
func (s *session) stand(ctx context.Context, end engine.Ending) (by string, again bool) {
	seq, err := permit.Sequence(&s.job)
	if err != nil {
		seq = nil
	}
	page := s.failed(end, seq)
	page.Log = installedLogs + "/" + job.FileLog
	if !s.begunHere {
		page.Ends = seconds(s.variable("SMSTSErrorDialogTimeout"), errorDialog)
	}
	for _, line := range page.Report(s.job.Computer) {
		s.console.Line("%s", line)
	}
	if !page.Retry || page.Ends == 0 {
		return "", false
	}
	told := &telling{done: make(chan struct{})}
	close(told.done)
	limited, allow := context.WithTimeout(ctx, page.Ends)
	defer allow()
	if by := <-s.awaitRetry(limited, true, told, allow); by != "" {
		return by, true
	}
	if ctx.Err() != nil {
		return "", false
	}
	got, err := s.lastRetry(ctx, true, told)
	return got.By, err == nil && got.Again
}

// received reports a job that has not begun: of one that came through the boot
// image that was said there.
func (s *session) received(state engine.State) error {
	if state.Next != 0 {
		return nil
	}
	for _, id := range []status.MessageID{status.ProgramReceived, status.ProgramStarted} {
		if err := s.report(id, 0, ""); err != nil {
			return err
		}
	}
	return nil
}

// launchMode is what _SMSTSLaunchMode says: how the sequence was started.
func (s *session) launchMode() string {
	if s.conf.resident {
		return "SMS"
	}
	return "PXE"
}

// mediaType is what _SMSTSMediaType says: what the boot image came from; nothing for a running
// client.
func (s *session) mediaType() string {
	if s.conf.resident {
		return ""
	}
	return "PXE"
}

// restartIn is the rest of a sentence that tells people of a restart.
func restartIn(delay time.Duration) string {
	if delay <= 0 {
		return ": now"
	}
	return ": in " + delay.String()
}

// errBusy says that another process of the agent has the job.
var errBusy = errors.New("another process of the agent runs a job on this machine; wait for its end")

// lockJob takes the right to run a job on this machine: one process at a time.
// The system lets go of it when the process ends, however that happens.
func lockJob(run string) (unlock func(), err error) {
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, fmt.Errorf("lock the job: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(run, "job.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the job: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errBusy
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the job: %w", err), f.Close())
	}
	return func() { f.Close() }, nil
}

// openJob opens the job that lies on this machine, locked; fs.ErrNotExist if none
// does.
func openJob(conf Config) (*job.Folder, func(), error) {
	at := filepath.Join(conf.Root, job.Name)
	if _, err := job.Open(at); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	unlock, err := lockJob(conf.Run)
	if err != nil {
		return nil, nil, err
	}
	folder, err := job.Open(at) // again: the other process may have ended it
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return folder, unlock, nil
}
