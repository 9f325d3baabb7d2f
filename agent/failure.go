package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/wizard"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

const (
	// errorDialog is how long a failure stays on the screen (SMSTSErrorDialogTimeout).
	errorDialog = 15 * time.Minute
	// retryPause is how long the machine waits between two questions whether an
	// administrator lets the job go on.
	retryPause = 10 * time.Second
	// boxPause is how long it waits for the box to take the last messages.
	boxPause = 10 * time.Second
)

// dialog is a failure on the screen.
type dialog struct {
	*session
	page *wizard.Failure
	told *telling
}

// failure shows what failed, until somebody chose what follows or the wait is over. It
// is true when the job goes on: by says who wants that. seq is nil when the sequence
// could not be read.
func (s *session) failure(ctx context.Context, end engine.Ending, seq *sequence.Sequence) (by string, again bool) {
	wait := seconds(s.variable("SMSTSErrorDialogTimeout"), errorDialog)
	d := dialog{s, s.failed(end, seq), s.tell(ctx, wait+time.Minute)}
	ends := time.Now().Add(wait)
	timed, cancel := context.WithDeadline(ctx, ends)
	defer cancel()
	limited, allow := context.WithCancel(timed)
	defer allow()
	allowed := s.awaitRetry(limited, d.page.Retry, d.told, allow)
	s.console.Again()
	s.console.Forget()
	defer s.console.Again()
	for {
		d.page.Ends = time.Until(ends)
		s.console.Page(d.page.Lines(), lastLine, 0)
		k, ok := s.console.Key(limited)
		choice := d.page.Press(k)
		if !ok || choice == wizard.Restart {
			break
		}
		if by := d.act(limited, choice); by != "" {
			return by, true
		}
	}
	allow()
	s.console.Again()
	if by := <-allowed; by != "" { // an administrator
		return by, true
	}
	if got, err := s.lastRetry(ctx, d.page.Retry, d.told); err == nil && got.Again {
		return got.By, true // who allowed it in the last moment; without the machine the job would stay open
	}
	s.settled(ctx, d.told)
	return "", false
}

// act does what somebody chose; by is who wants the job to go on.
func (d *dialog) act(ctx context.Context, choice wizard.Choice) (by string) {
	switch choice {
	case wizard.Again:
		by, d.page.Note = d.askRetry(ctx, d.told)
	case wizard.Log:
		d.readLog(ctx, d.page.About)
	case wizard.Shell:
		d.page.Note = d.shell(ctx)
	}
	return by
}

// lastLine is the last line of the screen, from 0.
const lastLine = wizard.Height - 1

// failed is the page of a failure.
func (s *session) failed(end engine.Ending, seq *sequence.Sequence) *wizard.Failure {
	f := &wizard.Failure{About: s.about(api.Offers{Organisation: s.job.Organisation}), Step: end.Step, Action: end.Action, ExitCode: end.ExitCode, Output: end.Reason,
		Log:   s.folder.Dir() + "/smsts.log, and SMSTSLog on the target's volume if there is one",
		Shell: s.conf.Shell != nil && s.job.CommandSupport}
	var state engine.State
	f.Retry = seq != nil && s.folder.ReadJSON(job.FileState, &state) == nil && state.Retry() == nil
	if seq != nil && end.Step > 0 {
		lines := seq.Flatten()
		f.Steps, f.Group, f.Action = len(lines), groupOf(lines, lines[end.Step-1]), lines[end.Step-1].Name()
	}
	return f
}

// telling is what becomes of the last messages.
type telling struct {
	done chan struct{}
	err  error // good behind done
}

// tell gives the box the last messages, in the background.
func (s *session) tell(ctx context.Context, patience time.Duration) *telling {
	t := &telling{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = s.flush(ctx, patience)
	}()
	return t
}

// settled waits a moment for the last messages before the machine restarts.
func (s *session) settled(ctx context.Context, t *telling) {
	limited, cancel := context.WithTimeout(ctx, boxPause)
	defer cancel()
	select {
	case <-t.done:
		if t.err != nil {
			s.console.Line("the box was not told: %s", t.err)
		}
	case <-limited.Done():
		s.console.Line("the box was not told everything: it cannot be reached")
	}
}

// awaitRetry asks the box, quietly, whether an administrator lets the job go on, until
// ctx ends or he does; then it ends the wait. The channel gives his name, or is closed.
func (s *session) awaitRetry(ctx context.Context, possible bool, told *telling, allow context.CancelFunc) <-chan string {
	by := make(chan string, 1)
	go func() {
		defer close(by)
		select {
		case <-told.done:
		case <-ctx.Done():
			return
		}
		for possible && told.err == nil {
			if got, err := s.retry(ctx, api.Retry{}); err == nil && got.Again {
				by <- got.By
				allow()
				return
			}
			if !supervisor.Sleep(ctx, retryPause) {
				return
			}
		}
	}()
	return by
}

// lastRetry asks once more before the machine restarts.
func (s *session) lastRetry(ctx context.Context, possible bool, told *telling) (api.Retried, error) {
	limited, cancel := context.WithTimeout(ctx, boxPause)
	defer cancel()
	select {
	case <-told.done:
	case <-limited.Done():
		return api.Retried{}, limited.Err()
	}
	if !possible || told.err != nil {
		return api.Retried{}, told.err
	}
	return s.client.Retry(limited, api.Retry{})
}

func (s *session) retry(ctx context.Context, in api.Retry) (api.Retried, error) {
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return s.client.Retry(short, in)
}

// askRetry asks the box in the name of the person at the machine, with the PXE password
// if it wants that. by is empty if the job does not go on; why says so in words.
func (s *session) askRetry(ctx context.Context, told *telling) (by, why string) {
	select {
	case <-told.done:
	case <-time.After(boxPause):
		return "", "the box does not have the last messages yet: it cannot be reached; try again later"
	case <-ctx.Done():
		return "", ""
	}
	got, err := s.retry(ctx, api.Retry{Person: true, Ticket: s.ticket})
	var e *api.Error
	if errors.As(err, &e) && e.Object == api.FieldPassword {
		password, ok := s.console.AskSecret(ctx, "PXE password: ")
		if !ok || password == "" {
			return "", "without the PXE password of the box the job does not go on"
		}
		t, failed := s.client.Password(ctx, identity(s.hardware), password)
		if failed != nil {
			return "", reason(failed)
		}
		s.ticket = t.Ticket
		got, err = s.retry(ctx, api.Retry{Person: true, Ticket: s.ticket})
	}
	if err != nil {
		s.log.Warn("retry", "error", err)
		return "", "the box does not let the job go on: " + reason(err)
	}
	return got.By, ""
}

// readLog pages through the log until the reader is done.
func (s *session) readLog(ctx context.Context, about wizard.About) {
	raw, err := s.folder.Read(job.FileLog)
	if err != nil {
		raw = []byte(err.Error())
	}
	for p := wizard.NewPager(string(raw)); ; {
		s.console.Page(p.Lines(about), lastLine, 0)
		if k, ok := s.console.Key(ctx); !ok || !p.Press(k) {
			return
		}
	}
}

// shell gives the person a shell; the wait at the failure goes on meanwhile.
func (s *session) shell(ctx context.Context) (note string) {
	s.console.Line("a shell; `exit` goes back")
	defer s.console.Again()
	if err := s.conf.Shell(ctx); err != nil && ctx.Err() == nil {
		return fmt.Sprintf("the shell ended: %s", err)
	}
	return ""
}
