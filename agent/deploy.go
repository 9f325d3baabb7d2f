package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/agent/disk"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/permit"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// deploy claims a job and runs it.
func (s *session) deploy(ctx context.Context, o api.Offer, seen []disk.Disk, person bool) (Next, error) {
	s.console.Line("deploy: %s (%s)", o.Name, o.Sequence)
	s.announce(o)
	if err := s.claim(ctx, o, person); err != nil {
		return s.nothing(ctx, fmt.Errorf("claim %s: %w", o.Name, err))
	}
	s.console.Line("job %s, computer %s", s.job.ID, s.job.Computer)
	if err := s.open(ctx); err != nil {
		return s.nothing(ctx, err)
	}
	defer func() { s.close() }()
	end, err := s.prepareAndRun(ctx, seen, person)
	for {
		next, over := s.ended(ctx, end, err)
		if over {
			return next, ctx.Err()
		}
		if err != nil {
			end = engine.Ending{ExitCode: engine.Failure, Reason: err.Error()}
		}
		by, again := s.failure(ctx, end, s.prepared.sequence)
		if !again {
			return NextDisk, nil
		}
		end, err = s.again(ctx, by)
	}
}

// ended says what follows a run; over is false when it failed.
func (s *session) ended(ctx context.Context, end engine.Ending, err error) (next Next, over bool) {
	switch {
	case ctx.Err() != nil:
		return NextReboot, true
	case err != nil:
		if e := s.giveUp(err); e != nil {
			s.log.Error("report the failure", "error", e)
		}
		return "", false
	case end.Restart != nil:
		return NextReboot, true
	case end.Succeeded:
		s.console.Line("the task sequence is complete")
		_ = s.flush(ctx, time.Minute)
		s.lastOfLog(ctx)
		s.after(ctx, s.postAction())
		return NextDisk, true
	}
	return "", false
}

// prepared is what a run needs again when it goes on behind a failure.
type prepared struct {
	sequence *sequence.Sequence
	permit   disk.Permit
}

// again goes on at the step that failed, in the name of who wants that.
func (s *session) again(ctx context.Context, by string) (engine.Ending, error) {
	state, err := s.reopen(ctx, by)
	if err != nil {
		return engine.Ending{}, err
	}
	return s.run(ctx, s.prepared.sequence, state, s.prepared.permit)
}

// reopen makes the state of a job that failed go on at the step that failed, and says so. The box
// has the job open again.
func (s *session) reopen(ctx context.Context, by string) (state engine.State, err error) {
	s.close() // the renewal of the certificate may have ended with the job
	if err := s.open(ctx); err != nil {
		return state, err
	}
	if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
		return state, err
	}
	at := state.FailedAt
	if err := state.Retry(); err != nil {
		return state, err
	}
	s.console.Line("going on at step %d: %s wants it", at, by)
	s.log.Info("going on at the step that failed", "step", at, "by", by)
	if err := s.report(status.SequenceStarted, 0, fmt.Sprintf("going on at step %d, which failed: %s wants it", at, by)); err != nil {
		return state, err
	}
	return state, s.folder.WriteJSON(job.FileState, state)
}

// claim binds a job to a new key and puts it into the folder.
func (s *session) claim(ctx context.Context, o api.Offer, person bool) error {
	csr, err := s.cred.CSR()
	if err != nil {
		return err
	}
	claimed, err := s.obtain(ctx, o, api.Claim{Identity: identity(s.hardware), Advertisement: o.Advertisement, Person: person, CSR: csr, Ticket: s.ticket,
		Where: s.where, Event: s.event})
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.cred.Take([]byte(claimed.Certificate)); err != nil {
		return err
	}
	s.client.Close() // the next connection shows the certificate
	err = s.persist(limited, "the job", func() error {
		s.job, err = s.client.Job(limited)
		return err
	})
	if err == nil && s.job.Format != 1 {
		err = fmt.Errorf("job %s: format %d, this boot image reads format 1", s.job.ID, s.job.Format)
	}
	return errors.Join(err,
		s.folder.Write(job.FileKey, s.cred.KeyPEM()),
		s.folder.Write(job.FileChain, []byte(claimed.Certificate)),
		s.folder.WriteJSON(job.FileJob, s.job))
}

// prepareAndRun checks the job, makes its permit and runs its sequence.
func (s *session) prepareAndRun(ctx context.Context, seen []disk.Disk, person bool) (engine.Ending, error) {
	for _, id := range []status.MessageID{status.ProgramReceived, status.ProgramStarted, status.StartedInBoot} {
		if err := s.report(id, 0, ""); err != nil {
			return engine.Ending{}, err
		}
	}
	seq, err := permit.Sequence(&s.job)
	if err != nil {
		return engine.Ending{}, err
	}
	if err := seq.Preflight(); err != nil {
		return engine.Ending{}, err
	}
	env, err := s.environment(seq)
	if err != nil {
		return engine.Ending{}, err
	}
	p, err := s.permit(ctx, seq, env, seen, person)
	if err != nil {
		return engine.Ending{}, err
	}
	s.prepared = prepared{seq, p}
	return s.run(ctx, seq, engine.New(env), p)
}

// permit is what lets the sequence erase a disk; nil when it erases none. The box
// notes the first write before it happens.
func (s *session) permit(ctx context.Context, seq *sequence.Sequence, env *sequence.Environment, seen []disk.Disk, person bool) (disk.Permit, error) {
	if !seq.Destructive() {
		return nil, nil
	}
	p, err := s.unmarked(ctx, seq, env, seen, person)
	if err != nil {
		return nil, err
	}
	return &permit.Marked{Permit: p, Mark: func(d disk.Disk) error {
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return s.persist(limited, "the box to note the first write", func() error { return s.client.Erase(limited, d.String()) })
	}}, nil
}

func (s *session) unmarked(ctx context.Context, seq *sequence.Sequence, env *sequence.Environment, seen []disk.Disk, person bool) (disk.Permit, error) {
	if !person {
		return permit.FromGrant(&s.job, s.anchor, identity(s.hardware), s.clock.Now)
	}
	d, err := s.consent(ctx, seq, env, seen)
	if err != nil {
		return nil, err
	}
	return permit.FromPerson(&s.job, d, s.clock.Now)
}
