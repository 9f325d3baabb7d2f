package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bootward/bootward/agent/hardware"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// chosen is that somebody at the machine chose an offer, with his answers to its questions.
type chosen struct{ answers map[string]string }

// start claims an offer and runs it to its end or to a restart. person is nil where it
// begins by itself.
func (r *Resident) start(ctx context.Context, o api.Offer, event string, person *chosen) (Next, error) {
	if o.Destructive {
		return "", api.Errorf(api.CodeRefused, o.Name, "it erases a disk, and running clients erase nothing").WithRemedy("boot the machine from the network")
	}
	unlock, err := lockJob(r.conf.Run)
	if err != nil {
		return "", err
	}
	defer unlock()
	at := filepath.Join(r.conf.Root, job.Name)
	if _, err := job.Open(at); !errors.Is(err, fs.ErrNotExist) {
		return "", api.Errorf(api.CodeConflict, o.Name, "a job of this machine is not at its end").WithRemedy("the client goes on with it; wait for that")
	}
	s, err := r.session(ctx, at, event)
	if err != nil {
		return "", err
	}
	if person != nil {
		s.answers = person.answers
	}
	state, err := s.begin(ctx, o, person != nil)
	if err != nil {
		s.client.Close()
		return "", errors.Join(fmt.Errorf("run %s: %w", o.Name, err), s.folder.Remove())
	}
	s.begunHere = person != nil
	s.linkLog() // not before: the log of the job before stays where a job does not begin
	s.console.Line("job %s: %s (%s)", s.job.ID, o.Name, o.Sequence)
	next, err := s.finish(ctx, state)
	if end := s.ending; person != nil && err == nil && !end.Succeeded && end.Restart == nil {
		err = fmt.Errorf("run %s: the task sequence failed at step %d %s, exit code %d: %s; the log is %s/%s", o.Name, end.Step, end.Action, end.ExitCode, end.Reason, installedLogs, job.FileLog)
	}
	return next, err
}

// session makes the folder of a job that is to be claimed, with what Resume needs
// of it.
func (r *Resident) session(ctx context.Context, at, event string) (*session, error) {
	folder, err := job.Create(at)
	if err != nil {
		return nil, err
	}
	s := &session{conf: r.conf, stage: status.StageInstalledSystem, where: osd.ToRunningClients, event: event, console: r.conf.Console,
		folder: folder, anchor: r.anchor, clock: r.clock, hardware: hardware.Collect(os.DirFS("/")), network: present(ctx)}
	s.newLog()
	if s.cred, err = point.NewCredential(); err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	s.client = point.New(r.anchor, r.box.Address, r.clock, s.cred.Certificate)
	err = errors.Join(folder.Write(job.FileAnchor, r.raw), folder.WriteJSON(job.FileBox, r.box))
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return s, nil
}

// begin claims the job and writes down where its sequence begins, so that it goes
// on from there whatever ends this process.
func (s *session) begin(ctx context.Context, o api.Offer, person bool) (engine.State, error) {
	if err := s.claim(ctx, o, person); err != nil {
		return engine.State{}, err
	}
	state, err := s.fresh()
	if err != nil {
		return state, s.refuse(ctx, err)
	}
	return state, s.folder.WriteJSON(job.FileState, state)
}

// fresh is the state in which a job of the client begins. A sequence that erases a
// disk does not begin here, whatever the box said of it.
func (s *session) fresh() (engine.State, error) {
	seq, err := permit.Sequence(&s.job)
	if err != nil {
		return engine.State{}, err
	}
	if seq.Destructive() {
		return engine.State{}, errors.New("the sequence erases a disk, and running clients erase nothing: boot the machine from the network")
	}
	if err := seq.Preflight(); err != nil {
		return engine.State{}, err
	}
	env, err := s.environment(seq)
	if err != nil {
		return engine.State{}, err
	}
	return engine.New(env), nil
}

// refuse tells the box that a job which was claimed does not begin.
func (s *session) refuse(ctx context.Context, reason error) error {
	if err := s.open(ctx); err != nil {
		return errors.Join(reason, err)
	}
	defer s.close()
	return errors.Join(reason, s.giveUp(reason), s.flush(ctx, patienceOfQuestion))
}
