package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// step runs a step, with its retries, between two saves of the state.
func (r *run) step(ctx context.Context, line sequence.Line) (*Ending, error) {
	r.State.Running = line.Number
	r.setReadOnly("_SMSTSCurrentActionName", line.Name())
	r.setReadOnly("_SMSTSNextInstructionPointer", strconv.Itoa(line.Number-1)) // from 0, of the step that runs
	if err := r.save(); err != nil {
		return nil, err
	}
	if r.Started != nil {
		r.Started(line)
	}
	o := line.Node.Step.Common()
	res, err := r.withSecrets(ctx, line)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil && !res.ok(o) {
		return nil, fmt.Errorf("step %d %q: %w", line.Number, line.Name(), ctx.Err())
	}
	r.State.Running = 0
	if !res.ok(o) {
		return r.fail(line, res)
	}
	return r.completed(line, res)
}

// tries runs a step until it succeeds, or its tries are used up. An error means
// that ctx ended between two of them.
func (r *run) tries(ctx context.Context, line sequence.Line) (Result, error) {
	o := line.Node.Step.Common()
	res := r.once(ctx, line)
	for try := 0; o.Retry != nil && try < o.Retry.Count && !res.ok(o) && ctx.Err() == nil; try++ {
		if err := r.wait(ctx, time.Duration(o.Retry.Delay)); err != nil {
			return res, err
		}
		res = r.once(ctx, line)
	}
	return res, nil
}

func (res Result) ok(o *sequence.Options) bool {
	return res.Err == nil && succeeded(o.SuccessCodes, res.ExitCode)
}

// once runs a step under its time limit.
func (r *run) once(ctx context.Context, line sequence.Line) Result {
	limit := time.Duration(line.Node.Step.Common().Timeout)
	if limit == 0 {
		return r.Executor.Execute(ctx, line, r.env)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	res := r.Executor.Execute(limited, line, r.env)
	if ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded) && (res.Err != nil || res.ExitCode != 0) {
		res.Err = fmt.Errorf("the step took longer than its time limit of %s", limit)
	}
	return res
}

func (r *run) wait(ctx context.Context, d time.Duration) error {
	if r.Wait != nil {
		return r.Wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// completed reports success, and a restart if one is due.
func (r *run) completed(line sequence.Line, res Result) (*Ending, error) {
	r.State.note(line.Number, Completed)
	r.State.Next = line.Number + 1
	r.last(res.ExitCode, true)
	m := r.about(line, status.ActionCompleted)
	m.ExitCode, m.Output = res.ExitCode, res.Output
	if err := r.report(m); err != nil {
		return nil, err
	}
	restart := res.Restart
	if restart == nil {
		restart = r.requested()
	}
	if restart == nil {
		return nil, r.save()
	}
	restart = &Restart{To: restart.To, Message: r.env.Redact(restart.Message), Delay: restart.Delay, Step: line.Number}
	m = r.about(line, status.RebootInitiated)
	m.Output = restart.Message
	if err := r.report(m); err != nil {
		return nil, err
	}
	r.State.Restarting = restart
	return &Ending{Restart: restart}, r.save()
}

// requested is the restart that a step asked for by SMSTSRebootRequested (HD or
// WinPE); SMSTSRetryRequested runs the step again behind it.
func (r *run) requested() *Restart {
	to, ok := r.env.Get("SMSTSRebootRequested")
	if !ok || to == "" {
		return nil
	}
	restart := &Restart{To: sequence.ToInstalledOS}
	if strings.EqualFold(to, "WinPE") {
		restart.To = sequence.ToBootImage
	}
	restart.Message, _ = r.env.Get("SMSTSRebootMessage")
	if s, ok := r.env.Get("SMSTSRebootDelay"); ok {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 24*60*60 {
			restart.Delay = time.Duration(n) * time.Second
		}
	}
	if again, _ := r.env.Get("SMSTSRetryRequested"); strings.EqualFold(again, "true") {
		r.State.Next--
	}
	for _, name := range []string{"SMSTSRebootRequested", "SMSTSRebootMessage", "SMSTSRebootDelay", "SMSTSRetryRequested"} {
		r.env.Delete(name)
	}
	return restart
}

// last sets what conditions of later nodes look at.
func (r *run) last(code int, ok bool) {
	r.setReadOnly("_SMSTSLastActionRetCode", strconv.Itoa(code))
	r.setReadOnly("_SMSTSLastActionSucceeded", strconv.FormatBool(ok))
}

// fail reports a failed node and goes on, if the node or a group around it
// continues on error, or ends the sequence.
func (r *run) fail(line sequence.Line, res Result) (*Ending, error) {
	output := res.Output
	if res.Err != nil {
		if output != "" {
			output += "\n"
		}
		output += res.Err.Error()
		if res.ExitCode == 0 {
			res.ExitCode = Failure
		}
	}
	if err := r.failed(line, res.ExitCode, output); err != nil {
		return nil, err
	}
	if continues(line.Node) {
		return nil, r.passOver(line, res.ExitCode)
	}
	for i, number := range slices.Backward(r.State.Open) {
		g := r.lines[number-1]
		r.State.note(number, Failed)
		if continues(g.Node) {
			r.State.Open = r.State.Open[:i]
			return nil, r.passOver(g, res.ExitCode)
		}
	}
	return r.give(line, res.ExitCode, output)
}

// passOver goes on behind a node that failed, or that holds one that did.
func (r *run) passOver(line sequence.Line, code int) error {
	r.State.Next = line.End
	r.last(code, false)
	m := r.about(line, status.FailureIgnored)
	m.ExitCode = code
	if err := r.report(m); err != nil {
		return err
	}
	return r.save()
}

func continues(n sequence.Node) bool {
	if n.Group != nil {
		return n.Group.ContinueOnError
	}
	return n.Step.Common().ContinueOnError
}

func (r *run) failed(line sequence.Line, code int, output string) error {
	r.State.note(line.Number, Failed)
	m := r.about(line, status.ActionFailed)
	m.ExitCode, m.Output = code, output
	return r.report(m)
}

// give gives the sequence up; Run reports it. What conditions look at stays as it was before the node, and
// the groups around it stay open in the state: Retry goes on there.
func (r *run) give(line sequence.Line, code int, output string) (*Ending, error) {
	if output == "" {
		output = fmt.Sprintf("step %d %q ended with exit code %d", line.Number, line.Name(), code)
	}
	output = status.Tail(r.env.Redact(output), status.MaxOutput)
	r.State.failing(line.Number, code, output)
	return &Ending{Step: line.Number, Action: line.Name(), ExitCode: code, Output: output, Reason: output}, r.save()
}
