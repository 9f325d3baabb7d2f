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

	"github.com/bootward/bootward/agent/hardware"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/outbox"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// Resume is the flow of the installed system: it goes on with the job whose
// folder is on the system's volume, reports the end, and removes folder and
// agent, unless the agent is to stay as the client. Without a job it does nothing.
func Resume(ctx context.Context, conf Config) (Next, error) {
	folder, unlock, err := openJob(conf)
	if errors.Is(err, fs.ErrNotExist) {
		conf.Console.Line("there is no job to go on with")
		_, err := protect(ctx, conf) // of a job that is gone
		return "", err
	}
	if err != nil {
		return "", err
	}
	defer unlock()
	s := &session{conf: conf, stage: status.StageInstalledSystem, console: conf.Console, folder: folder}
	s.newLog()
	s.linkLog()
	box, state, err := s.load(ctx)
	if err != nil { // without its files nothing can be run, asked or told
		return "", s.abandon(ctx, "the job folder is damaged", err)
	}
	err = s.reach(ctx, box)
	switch {
	case api.Final(err) && state.Ended == engine.Succeeded: // power was cut in the middle of the end
		return s.cleanUp(ctx, true)
	case api.Final(err) && state.Ended == engine.Failed: // power was cut while it stood there
	case api.Final(err):
		return "", s.abandon(ctx, "the box has closed the job", err)
	case err != nil:
		return "", err
	}
	if state.Format == 0 && s.conf.resident {
		if state, err = s.fresh(); err != nil {
			return "", s.abandon(ctx, "the job cannot begin", s.refuse(ctx, err))
		}
	}
	s.log.Info("going on in the installed system", "job", s.job.ID, "next", state.Next)
	return s.finish(ctx, state)
}

// finish runs the job from a state to its end, as often as somebody lets it go on where it failed,
// and cleans up behind it.
func (s *session) finish(ctx context.Context, state engine.State) (Next, error) {
	if err := s.open(ctx); err != nil {
		return "", err
	}
	defer func() { s.close() }()
	for {
		end := failedBefore(state)
		if state.Ended != "" { // it does not stand with an open disk each time that the agent starts
			if _, err := s.closing(ctx); err != nil {
				return "", err
			}
		} else {
			var err error
			if end, err = s.toItsEnd(ctx, state); err != nil {
				return "", err
			}
			if end.Restart != nil {
				return NextReboot, nil
			}
		}
		if err := s.told(ctx); err != nil {
			return "", err
		}
		if end.Succeeded {
			break
		}
		by, again := s.stand(ctx, end)
		if ctx.Err() != nil {
			return "", ctx.Err() // the folder stays: the job stands there again behind a restart
		}
		if !again {
			return s.cleanUp(ctx, false)
		}
		var err error
		if state, err = s.reopen(ctx, by); err != nil {
			return "", err
		}
	}
	command := s.postAction()
	next, err := s.cleanUp(ctx, true)
	if err == nil {
		s.after(ctx, command)
	}
	return next, err
}

// toItsEnd runs the job once; an error is one for which the service is to begin again.
func (s *session) toItsEnd(ctx context.Context, state engine.State) (engine.Ending, error) {
	if err := s.received(state); err != nil {
		return engine.Ending{}, err
	}
	end, err := s.goOn(ctx, state)
	if ctx.Err() != nil {
		return end, ctx.Err()
	}
	if err != nil {
		if e := s.giveUp(err); e != nil {
			return end, errors.Join(err, e) // the disk is full: systemd tries again
		}
		end = engine.Ending{ExitCode: engine.Failure, Reason: err.Error()}
	}
	return end, nil
}

// failedBefore is how a job ended whose end stands in its state.
func failedBefore(state engine.State) engine.Ending {
	return engine.Ending{Succeeded: state.Ended == engine.Succeeded, Step: state.FailedAt, ExitCode: state.ExitCode, Reason: state.Reason}
}

// abandon ends a job that cannot go on and that nobody waits for.
func (s *session) abandon(ctx context.Context, what string, reason error) error {
	s.console.Line("%s: %s", what, reason)
	remedy := "deploy the machine again"
	if s.conf.resident {
		remedy = "the client asks the box whether it runs again"
	}
	s.console.Line("the job is given up and its folder removed; the log stays in %s; %s", installedLogs, remedy)
	s.log.Error("the job is given up: "+what, "error", reason)
	_, err := s.cleanUp(ctx, false)
	return err
}

// load reads the folder.
func (s *session) load(ctx context.Context) (box job.Box, state engine.State, err error) {
	if s.anchor, _, err = loadAnchor(filepath.Join(s.folder.Dir(), job.FileAnchor)); err != nil {
		return box, state, err
	}
	key, errKey := s.folder.Read(job.FileKey)
	chain, errChain := s.folder.Read(job.FileChain)
	errState := s.folder.ReadJSON(job.FileState, &state)
	if s.conf.resident && errors.Is(errState, fs.ErrNotExist) {
		errState = nil // power was cut behind the claim: the job begins
	}
	err = errors.Join(errKey, errChain, s.folder.ReadJSON(job.FileJob, &s.job), errState, s.folder.ReadJSON(job.FileBox, &box))
	if err != nil {
		return box, state, err
	}
	if state.Ended, err = s.onRecord(state.Ended); err != nil {
		return box, state, err
	}
	if s.cred, err = point.LoadCredential(key, chain); err != nil {
		return box, state, err
	}
	s.hardware = hardware.Collect(os.DirFS("/"))
	s.network = present(ctx)
	s.clock = point.NewClock(s.conf.Built)
	s.client = point.New(s.anchor, box.Address, s.clock, s.cred.Certificate)
	return box, state, nil
}

// onRecord is how the job ended: the report of that counts, when power was cut before the state was saved. A second
// report would be refused behind the first, and wait there for a job that is opened again.
func (s *session) onRecord(ended engine.Outcome) (engine.Outcome, error) {
	box, err := outbox.Open(s.folder, job.FileStatus, s.job.ID, 0, nil)
	if err != nil || ended != "" {
		return ended, err
	}
	switch box.Last() {
	case status.SequenceCompleted:
		ended = engine.Succeeded
	case status.SequenceFailed:
		ended = engine.Failed
	}
	return ended, nil
}

// reach waits for the box: as long as it takes, since nothing else is to be
// done. It learns the time from it and renews the certificate. A box that moved
// is looked for on the segment.
func (s *session) reach(ctx context.Context, box job.Box) error {
	keep := func(chain []byte) error { return s.folder.Write(job.FileChain, chain) }
	at := func(address string) {
		if address != box.Address {
			box.Address = address
			s.client = point.New(s.anchor, address, s.clock, s.cred.Certificate)
		}
	}
	home, tries := box.Address, 0
	return s.persist(ctx, "the box", func() error {
		if tries++; tries%5 == 0 {
			if moved, err := findBox(ctx); err == nil {
				at(moved.Address)
			}
		}
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		hello, err := point.FirstHello(short, s.anchor, box.Address, s.clock)
		if err != nil {
			return err
		}
		if box.Name != "" && hello.BoxName != box.Name {
			defer at(home)
			return fmt.Errorf("box %s answers at %s, the job is with box %s; switch that one on", hello.BoxName, box.Address, box.Name)
		}
		r := &point.Renewer{Client: s.client, Credential: s.cred, Clock: s.clock, Keep: keep, Log: s.log}
		if err := r.Renew(short); err != nil {
			return fmt.Errorf("renew the job's certificate: %w", err)
		}
		return s.folder.WriteJSON(job.FileBox, box)
	})
}

// goOn runs the rest of the sequence.
func (s *session) goOn(ctx context.Context, state engine.State) (engine.Ending, error) {
	seq, err := permit.Sequence(&s.job)
	if err != nil {
		return engine.Ending{}, err
	}
	variables := s.builtIn(seq)
	for name, value := range state.Variables {
		if _, ours := variables[name]; !ours {
			variables[name] = value
		}
	}
	state.Variables = variables
	end, err := s.run(ctx, seq, state, nil) // no permit: the system's own disk
	switch {
	case err != nil || end.Restart != nil:
	case end.Succeeded:
		s.console.Line("the task sequence is complete")
		s.log.Info("the task sequence is complete")
	default:
		s.log.Error("the task sequence failed", "step", end.Step, "code", end.ExitCode, "reason", end.Reason)
	}
	return end, err
}

// told waits until the box has every message. A box that refuses them for good
// has closed the job: then there is nothing to wait for.
func (s *session) told(ctx context.Context) error {
	defer s.lastOfLog(ctx)
	err := s.box.Flush(ctx)
	if api.Final(err) {
		s.log.Warn("the box takes no more messages of the job", "error", err)
		return nil
	}
	return err
}

// cleanUp keeps the log and removes the job's folder, with its key, and the
// agent, unless it stays. As long as the temporary key of an encrypted system is there, all of it stays: systemd
// starts the agent again.
func (s *session) cleanUp(ctx context.Context, succeeded bool) (Next, error) {
	if _, err := s.closing(ctx); err != nil {
		return "", err
	}
	if err := s.folder.KeepLog(filepath.Join(s.conf.Root, installedLogs), 0o750, 0o640); err != nil {
		return "", err
	}
	s.unlinkLog()
	unix.Sync() // the log is on the disk before its other copy goes
	return s.leave(succeeded)
}
