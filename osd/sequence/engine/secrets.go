package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/bootward/bootward/osd/sequence"
)

// withSecrets runs a step with all its tries, with its secrets in the
// environment if it names any. They are gone before the state is saved, and what
// the step left behind holds stars in their place.
func (r *run) withSecrets(ctx context.Context, line sequence.Line) (Result, error) {
	if len(line.Node.Step.Common().Secrets) == 0 {
		return r.tries(ctx, line)
	}
	loan, err := r.lend(ctx, line)
	if err != nil {
		return Result{ExitCode: Failure, Err: err}, nil
	}
	defer loan.Back()
	res, err := r.tries(ctx, line)
	res.Output = loan.Redact(res.Output)
	if res.Err != nil {
		res.Err = errors.New(loan.Redact(res.Err.Error()))
	}
	if res.Restart != nil {
		restart := *res.Restart
		restart.Message = loan.Redact(restart.Message)
		res.Restart = &restart
	}
	return res, err
}

func (r *run) lend(ctx context.Context, line sequence.Line) (*sequence.Loan, error) {
	if r.Secrets == nil {
		return nil, errors.New("the step needs secrets, and this program cannot ask for any")
	}
	values, err := r.Secrets(ctx, line)
	if err != nil {
		return nil, fmt.Errorf("the secrets of the step were not released: %w", err)
	}
	own := map[string]string{}
	for name := range line.Node.Step.Common().Secrets {
		value, ok := values[name]
		if !ok {
			return nil, fmt.Errorf("the secrets of the step were not released: there is none for variable %s", name)
		}
		own[name] = value
	}
	return r.env.Lend(own)
}
