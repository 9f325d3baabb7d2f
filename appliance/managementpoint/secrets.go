package managementpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

func (p *Point) serveSecrets(c call) (any, *api.Error) {
	var in api.AskSecrets
	if err := read(c.r, &in); err != nil {
		return nil, err
	}
	return answer(p.secrets(c.r.Context(), c.job, in))
}

// secrets releases the secrets of the step at which the job stands, once, sealed
// to the key that asks. The release is noted, durably, before anything goes out.
func (p *Point) secrets(ctx context.Context, j store.Job, in api.AskSecrets) (api.Secrets, *api.Error) {
	if err := trust.CheckSealingKey(in.Key); err != nil {
		return api.Secrets{}, api.Errorf(api.CodeInvalid, "key", "%v", err)
	}
	names, failed := secretsOf(j, in.Step)
	if failed == nil && j.Position != in.Step { // NoteRelease looks again
		failed = api.Errorf(api.CodeForbidden, j.ID, "the job stands at step %d, secrets are released for the step at which it stands", j.Position)
	}
	if failed == nil {
		failed = p.trusted(j)
	}
	if failed != nil {
		return api.Secrets{}, p.refuseSecrets(j, in.Step, failed)
	}
	values, failed := p.values(names)
	if failed != nil {
		return api.Secrets{}, p.refuseSecrets(j, in.Step, failed)
	}
	sealed, err := trust.Seal(in.Key, api.SecretsContext(j.ID, in.Step), values)
	if err != nil {
		return api.Secrets{}, internal(err)
	}
	sum := sha256.Sum256(in.Key)
	alarm := status.FlightEvent{Time: p.Now(), Client: j.Client, Job: j.ID, What: "alarm", Text: fmt.Sprintf(
		"ALARM: the secrets of step %d of job %s of %s are asked for a second time, by another key: they were not released again", in.Step, j.ID, j.Name)}
	err = p.Store.NoteRelease(ctx, store.Release{Job: j.ID, Step: in.Step, Key: hex.EncodeToString(sum[:]), Computer: j.Name,
		Secrets: slices.Compact(slices.Sorted(maps.Values(names)))}, alarm, p.Now())
	if err != nil {
		return api.Secrets{}, p.refuseSecrets(j, in.Step, releaseError(j, in.Step, err))
	}
	p.Log.Info("secrets released", "job", j.ID, "computer", j.Name, "step", in.Step, "secrets", len(names))
	return api.Secrets{Sealed: sealed}, nil
}

func (p *Point) refuseSecrets(j store.Job, step int, e *api.Error) *api.Error {
	p.Log.Warn("secrets are not released", "job", j.ID, "computer", j.Name, "step", step, "why", e.Detail)
	return e
}

// secretsOf lists the secrets of a step of the job's pinned sequence: variable
// and name.
func secretsOf(j store.Job, step int) (map[string]string, *api.Error) {
	seq, err := sequence.Decode(j.Document.Sequence.Document)
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, j.ID, "%v", err)
	}
	lines := seq.Flatten()
	if step < 1 || step > len(lines) {
		return nil, api.Errorf(api.CodeInvalid, "step", "%d: the task sequence has nodes 1 to %d", step, len(lines))
	}
	n := lines[step-1].Node
	if n.Step == nil || len(n.Step.Common().Secrets) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "step", "%d: it uses no secrets", step)
	}
	return n.Step.Common().Secrets, nil
}

// trusted says why a job gets no secret, nil if it does: labels are no proof, so
// a person has compared its code, or an administrator accepted exactly that on
// the grant.
func (p *Point) trusted(j store.Job) *api.Error {
	if j.Approved != "" {
		return nil
	}
	if len(j.Document.Grant) > 0 {
		payload, err := trust.Open(j.Document.Grant, trust.TypeGrant, p.Self().Anchor.Signing)
		var g policy.Grant
		if err == nil {
			err = json.Unmarshal(payload, &g)
		}
		if err == nil && g.SecretsWithoutApproval && g.ID == j.Grant && g.Advertisement == j.Document.Advertisement && g.Computer == j.Computer && g.Sequence == j.Document.Sequence.Digest {
			return nil
		}
	}
	return api.Errorf(api.CodeForbidden, j.ID, "nobody has approved this machine: it only showed its labels, and such a job gets no secrets").
		WithRemedy("start the deployment again and have a technician at the box, or an administrator, compare the code on its screen; `secretsWithoutApproval: true` of the advertisement accepts machines without that")
}

// values opens the values of secrets: the JSON of a map from variable to value.
func (p *Point) values(names map[string]string) ([]byte, *api.Error) {
	s := p.Policy()
	values := map[string]string{}
	for variable, name := range names {
		var v *policy.Sealed
		if s != nil {
			v = s.Secret(name)
		}
		if v == nil {
			return nil, api.Errorf(api.CodeRefused, name, "%s", policy.NoSecret(name))
		}
		value, err := p.unseal(*v)
		if err != nil {
			return nil, api.Errorf(api.CodeRefused, name, "secret %s cannot be opened by this box", name).WithRemedy("enrol the box again: bootward box token %s", p.Self().BoxName)
		}
		values[variable] = string(value)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a password is not to grow sixfold
	if err := e.Encode(values); err != nil {
		return nil, internal(err)
	}
	return b.Bytes(), nil
}

func (p *Point) unseal(v policy.Sealed) ([]byte, error) {
	if p.Unseal == nil {
		return nil, errors.New("this box has no sealing key")
	}
	value, err := p.Unseal(v)
	if err != nil {
		p.Log.Error("a sealed value cannot be opened", "kind", v.Kind, "name", v.Name, "revision", v.Revision, "error", err)
	}
	return value, err
}

// releaseError tells why a release was not noted. When the secrets went to another
// key, somebody has the key of the job besides the agent, or the agent was started
// again in the middle of the step.
func releaseError(j store.Job, step int, err error) *api.Error {
	switch {
	case errors.Is(err, store.ErrOtherKey):
		return api.Errorf(api.CodeForbidden, j.ID, "the secrets of step %d were released before, to another key; they are released once", step).
			WithRemedy("deploy the machine again")
	case errors.Is(err, store.ErrNotAtStep):
		return api.Errorf(api.CodeForbidden, j.ID, "the job does not stand at step %d any more", step)
	}
	return statusError(j, err)
}
