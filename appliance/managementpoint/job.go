package managementpoint

import (
	"context"
	"errors"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// maxMessages is how many messages a batch may hold.
const maxMessages = 500

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
	for i := range b.Messages {
		m := &b.Messages[i]
		if m.Job != "" && m.Job != j.ID {
			return api.StatusAck{}, api.Errorf(api.CodeInvalid, "messages", "message %d is of job %q, this is job %s", m.Number, m.Job, j.ID)
		}
		if len(m.Output) > status.MaxOutput {
			m.Output = m.Output[len(m.Output)-status.MaxOutput:]
		}
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
		p.setProgress(j.ID, b.Progress)
	}
}
