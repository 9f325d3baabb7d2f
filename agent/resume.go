package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/bootward/bootward/agent/cmlog"
	"github.com/bootward/bootward/agent/hardware"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// installedLogs is where the log stays in the installed system.
const installedLogs = "/var/log/bootward"

// Resume is the flow of the installed system: it goes on with the job whose
// folder is on the system's volume, reports the end, and removes folder and
// agent. Without a job it does nothing.
func Resume(ctx context.Context, conf Config) (Next, error) {
	folder, err := job.Open(filepath.Join(conf.Root, job.Name))
	if errors.Is(err, fs.ErrNotExist) {
		conf.Console.Line("there is no job to go on with")
		return "", nil
	}
	if err != nil {
		return "", err
	}
	s := &session{conf: conf, stage: status.StageInstalledSystem, console: conf.Console, folder: folder}
	s.log = slog.New(cmlog.NewHandler(job.NewLog(folder), slog.LevelInfo, nil)).With("component", "TSManager")
	state, err := s.load(ctx)
	if point.Final(err) {
		s.console.Line("the box has closed the job: %s", err)
		s.log.Error("the box has closed the job", "error", err)
		return "", s.cleanUp()
	}
	if err != nil {
		return "", err
	}
	s.log.Info("going on in the installed system", "job", s.job.ID, "next", state.Next)
	if err := s.open(ctx); err != nil {
		return "", err
	}
	defer s.close()
	if state.Ended == "" {
		if end, err := s.goOn(ctx, state); err != nil || end.Restart != nil {
			return NextReboot, err
		}
	}
	if err := s.told(ctx); err != nil {
		return "", err
	}
	return "", s.cleanUp()
}

// load reads the folder and makes the connection.
func (s *session) load(ctx context.Context) (engine.State, error) {
	var state engine.State
	var box job.Box
	var err error
	if s.anchor, _, err = loadAnchor(filepath.Join(s.folder.Dir(), job.FileAnchor)); err != nil {
		return state, err
	}
	key, errKey := s.folder.Read(job.FileKey)
	chain, errChain := s.folder.Read(job.FileChain)
	err = errors.Join(errKey, errChain, s.folder.ReadJSON(job.FileJob, &s.job),
		s.folder.ReadJSON(job.FileState, &state), s.folder.ReadJSON(job.FileBox, &box))
	if err != nil {
		return state, err
	}
	if s.cred, err = point.LoadCredential(key, chain); err != nil {
		return state, err
	}
	s.hardware = hardware.Collect(os.DirFS("/"))
	s.network = present(ctx)
	s.clock = point.NewClock(s.conf.Built)
	s.client = point.New(s.anchor, box.Address, s.clock, s.cred.Certificate)
	return state, s.reach(ctx, box)
}

// reach waits for the box: as long as it takes, since nothing else is to be
// done. It learns the time from it and renews the certificate. A box that moved
// is looked for on the segment.
func (s *session) reach(ctx context.Context, box job.Box) error {
	keep := func(chain []byte) error { return s.folder.Write(job.FileChain, chain) }
	tries := 0
	return s.persist(ctx, "the box", func() error {
		if tries++; tries%5 == 0 {
			if moved, err := findBox(ctx); err == nil && moved.Address != box.Address {
				box = moved
				s.client = point.New(s.anchor, box.Address, s.clock, s.cred.Certificate)
			}
		}
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := point.FirstHello(short, s.anchor, box.Address, s.clock); err != nil {
			return err
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
		s.console.Line("the task sequence failed at step %d %s, exit code %d: %s", end.Step, end.Action, end.ExitCode, end.Reason)
	}
	return end, err
}

// told waits until the box has every message. A box that refuses them for good
// has closed the job: then there is nothing to wait for.
func (s *session) told(ctx context.Context) error {
	err := s.box.Flush(ctx)
	if point.Final(err) {
		s.log.Warn("the box takes no more messages of the job", "error", err)
		return nil
	}
	return err
}

// cleanUp keeps the log and removes the job's folder, with its key, and the
// agent.
func (s *session) cleanUp() error {
	if raw, err := s.folder.Read(job.FileLog); err == nil {
		dir := filepath.Join(s.conf.Root, installedLogs)
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("keep the log: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, job.FileLog), raw, 0o640); err != nil {
			return fmt.Errorf("keep the log: %w", err)
		}
	}
	return errors.Join(s.folder.Remove(), machine.Uninstall(s.conf.Root))
}
