package managementpoint

import (
	"context"
	"errors"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// Limits of status messages. Who has a job may be anybody who showed a MAC: what
// he can make the box keep has an end.
const (
	maxMessages    = 500   // in a batch
	maxJobMessages = 10000 // of a job
	maxName        = 256   // bytes of an action, a group or a stage
)

// renew makes a new certificate for the key of a running job.
func (p *Point) renew(ctx context.Context, j store.Job, r api.Renew) (api.Claimed, *api.Error) {
	key, err := trust.ParseCSR(r.CSR)
	if err != nil {
		return api.Claimed{}, api.Errorf(api.CodeInvalid, "csr", "%v", err)
	}
	if fingerprint(key) != j.Key {
		return api.Claimed{}, api.Errorf(api.CodeForbidden, j.ID, "a certificate is renewed for the key of the job only")
	}
	if err := p.Store.SeenJob(ctx, j.ID, p.Now()); err != nil {
		return api.Claimed{}, internal(err)
	}
	return p.certify(j.ID, r.CSR)
}

// status keeps messages, durably, before it acknowledges them.
func (p *Point) status(ctx context.Context, j store.Job, b api.StatusBatch) (api.StatusAck, *api.Error) {
	if len(b.Messages) > maxMessages {
		return api.StatusAck{}, api.Errorf(api.CodeInvalid, "messages", "%d in one batch, at most %d are taken", len(b.Messages), maxMessages)
	}
	if n := len(b.Messages); n > 0 && j.Next-1+uint64(n) > maxJobMessages && !b.Messages[n-1].ID.Final() {
		return api.StatusAck{}, api.Errorf(api.CodeRefused, j.ID, "a job has at most %d messages", maxJobMessages)
	}
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.Job != "" && m.Job != j.ID {
			return api.StatusAck{}, api.Errorf(api.CodeInvalid, "messages", "message %d is of job %q, this is job %s", m.Number, m.Job, j.ID)
		}
		m.Output = status.Tail(m.Output, status.MaxOutput)
		m.Action, m.Group, m.Stage = name(m.Action), name(m.Group), name(m.Stage)
		*m = store.Describe(*m, j.Document)
	}
	next := j.Next
	if len(b.Messages) > 0 {
		var err error
		if next, err = p.Store.Append(ctx, j.ID, b.Messages, p.Now()); err != nil {
			return api.StatusAck{}, statusError(j, err)
		}
	}
	p.noteProgress(j, b)
	return api.StatusAck{Next: next}, nil
}

// name cuts a name down to one short printable line.
func name(s string) string {
	return printable(s[:min(len(s), maxName)])
}

func statusError(j store.Job, err error) *api.Error {
	var gap *store.GapError
	switch {
	case errors.As(err, &gap):
		return api.Errorf(api.CodeConflict, j.ID, "%v", err).WithRemedy("send the messages from number %d on", gap.Next)
	case errors.Is(err, store.ErrEnded):
		return api.Errorf(api.CodeForbidden, j.ID, "the job has ended: %s", j.State)
	}
	return internal(err)
}

// noteProgress remembers what the console shows. It is forgotten with the job.
func (p *Point) noteProgress(j store.Job, b api.StatusBatch) {
	ended := j.State != store.JobOpen
	for _, m := range b.Messages {
		ended = ended || m.ID.Final()
		p.Log.Info("status", "job", j.ID, "computer", j.Name, "number", m.Number, "id", int(m.ID), "action", m.Action, "exit", m.ExitCode)
	}
	if ended {
		p.setProgress(j.ID, nil)
	} else if b.Progress != nil {
		b.Progress.Action, b.Progress.Unit = name(b.Progress.Action), name(b.Progress.Unit)
		p.setProgress(j.ID, b.Progress)
	}
}
