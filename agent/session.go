package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/outbox"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// session is a job that runs: its connection, its folder, its messages.
type session struct {
	conf     Config
	anchor   *trust.Anchor
	clock    *point.Clock
	client   *point.Client
	cred     *point.Credential
	folder   *job.Folder
	job      api.Job
	hardware inventory.Machine
	network  addresses
	typed    typed
	answers  map[string]string // to the questions of the sequence, by variable
	met      job.Box           // the box, as it was found
	nets     *nets             // of the boot image
	shown    shown
	prepared prepared
	stage    string
	where    string // osd.ToRunningClients for a job of the client
	event    string // what made it due: osd.AtLogon, osd.AtLogoff or nothing
	console  *console.Console
	log      *slog.Logger
	written  *job.Log // what log writes
	hidden   hidden
	box      *outbox.Outbox
	ending   engine.Ending // of the last run of the engine
	// begunHere says that a person at the running system began the job.
	begunHere bool
	// ticket is that of the PXE password which a person typed.
	ticket string
	// pollPause is how long to wait between two questions of a machine that waits
	// for approval; 0 means the constant.
	pollPause time.Duration
	// searchPause is how long to wait between two searches for a box that takes no messages; 0
	// means the constant.
	searchPause time.Duration
	// searches lets one search go on at a time.
	searches sync.Mutex
	// look looks for a box of the segment; nil means findBox.
	look func(context.Context) (job.Box, error)

	stop context.CancelFunc
	work sync.WaitGroup
}

// open opens the queue of messages and starts the services of the session: the
// sender and the renewal of the certificate. close ends them.
func (s *session) open(ctx context.Context) error {
	box, err := outbox.Open(s.folder, job.FileStatus, s.job.ID, 1, s.client)
	if err != nil {
		return err
	}
	s.box = box
	var away atomic.Bool
	box.Lost = func(err error) {
		away.Store(err != nil)
		if err != nil {
			s.console.Line("the box cannot be reached; going on, and sending when it is back")
			s.log.Warn("status messages wait", "component", "TSAgent", "error", err)
			return
		}
		s.console.Line("the box is back")
		s.log.Info("the box is back", "component", "TSAgent")
	}
	renew := &point.Renewer{Client: s.client, Credential: s.cred, Clock: s.clock, Log: s.log,
		Keep: func(chain []byte) error { return s.folder.Write(job.FileChain, chain) }}
	running, cancel := context.WithCancel(ctx)
	s.stop = cancel
	s.work.Go(func() { _ = box.Run(running) }) // nil: it ends with ctx
	s.work.Go(func() { s.sendLog(running) })
	s.work.Go(func() { // messages alone may wait for a box that moved: no step fetches anything
		for supervisor.Sleep(running, cmp.Or(s.searchPause, searchPause)) {
			if away.Load() {
				s.follow(running)
			}
		}
	})
	s.work.Go(func() {
		if err := renew.Run(running); err != nil {
			s.log.Warn("the box renews the job's certificate no more", "component", "TSAgent", "error", err)
			box.End(err)
		}
	})
	return nil
}

// close ends the services; what was not sent stays in the folder.
func (s *session) close() {
	s.stop()
	s.work.Wait()
	s.client.Close()
}

// flush gives the box some time to take all messages.
func (s *session) flush(ctx context.Context, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.box.Flush(limited)
	if err != nil {
		s.log.Warn("status messages were not sent", "component", "TSAgent", "error", err)
	}
	return err
}

// report sends a message that is not the engine's.
func (s *session) report(id status.MessageID, code int, output string) error {
	return s.box.Report(status.Message{ID: id, Time: s.clock.Now(), Stage: s.stage, ExitCode: code, Output: status.Tail(output, status.MaxOutput)})
}

// giveUp reports a sequence that the engine could not run to an end of its own.
func (s *session) giveUp(reason error) error {
	s.log.Error("the task sequence was given up", "error", reason)
	return errors.Join(s.report(status.ManagerFailed, engine.Failure, reason.Error()),
		s.report(status.SequenceFailed, engine.Failure, reason.Error()))
}

// run runs the sequence from a state until it ends or restarts.
func (s *session) run(ctx context.Context, seq *sequence.Sequence, state engine.State, permit disk.Permit) (engine.Ending, error) {
	s.header()
	x, volumes, err := s.executor(seq, permit)
	if err != nil {
		return engine.Ending{}, err
	}
	if err := x.Return(); err != nil {
		s.console.Line("the job stays in memory: %s", err)
		s.log.Error("take the job back to the target's volume", "error", err)
	}
	if err := s.takeLog(); err != nil {
		s.log.Warn("the log of the failure stays on the target's volume", "error", err)
	}
	e := &engine.Engine{
		Sequence: seq, State: state, Executor: x, Stage: s.stage, Now: s.clock.Now,
		Journal: journal{s.folder, &s.hidden}, Reporter: s.box, Started: s.started(seq), Secrets: s.secrets, Close: s.closing,
	}
	s.conditions(e)
	stop := s.watch(seq)
	end, err := e.Run(ctx)
	stop()
	s.ending = end
	s.settle(ctx, end, x.InMemory, volumes)
	return end, err
}

// settle puts everything down behind a run: the log where it stays, the messages
// to the box, the volumes unmounted. None of it can change how the run ended.
func (s *session) settle(ctx context.Context, end engine.Ending, memory string, volumes *machine.Volumes) {
	var errs []error
	if end.Restart != nil {
		s.sayRestart(ctx, *end.Restart)
		_ = s.flush(ctx, 10*time.Second) // the rest is sent behind the restart
		s.lastOfLog(ctx)
		s.close()
	} else if s.stage == status.StageBootImage && s.folder.Dir() != memory {
		errs = append(errs, s.leaveLog(), unlock.Withdraw(filepath.Join(s.conf.Run, "target")))
		if end.Succeeded { // what failed may go on, with what its steps downloaded
			errs = append(errs, s.folder.DropContent())
		}
		errs = append(errs, s.folder.Move(memory))
	}
	unix.Sync()
	if err := errors.Join(append(errs, volumes.Close())...); err != nil {
		s.log.Error("put the target's volumes down", "error", err)
		s.console.Line("%s", err)
	}
}

func (s *session) sayRestart(ctx context.Context, r engine.Restart) {
	text := r.Message
	if text == "" {
		text = "restart the machine"
	}
	s.console.Line("%s", text)
	if s.conf.Tell != nil {
		s.conf.Tell(text + restartIn(r.Delay))
	}
	if r.Delay > 0 {
		s.console.Line("in %s", r.Delay)
		supervisor.Sleep(ctx, r.Delay)
	}
}

// progressText is one line: percent, amount, rate, time left; or name and amount
// if the total is not known.
func progressText(name string, done, total int64, rate float64) string {
	if total <= 0 {
		return fmt.Sprintf("  %s: %.0f MiB", name, mib(done))
	}
	left := ""
	if rate >= 1 && done < total {
		left = ", " + (time.Duration(float64(total-done)/rate) * time.Second).String() + " left"
	}
	return fmt.Sprintf("  %3d%%  %.0f of %.0f MiB, %.1f MiB/s%s", 100*done/total, mib(done), mib(total), rate/(1<<20), left)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// journal keeps the engine's state in the job folder, and its secret variables out of the log.
type journal struct {
	folder *job.Folder
	hidden *hidden
}

func (j journal) Save(s engine.State) error {
	for _, name := range s.Secrets {
		j.hidden.add(s.Variables[name])
	}
	return j.folder.WriteJSON(job.FileState, s)
}
