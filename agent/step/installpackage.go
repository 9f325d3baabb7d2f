package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// install is one run of the step. What has ended is written down before anything else happens, so
// that no program that succeeded runs again: not behind a restart that a program asked for, not in
// another try, and not when a power cut ended the step and it is marked rerunnable.
type install struct {
	*Executor
	ctx  context.Context
	line sequence.Line
	step *sequence.InstallPackage
	env  *sequence.Environment

	entries []sequence.Entry
	ended   programs
	used    []string // folders
	output  []string
}

// programs is job.FilePrograms: the entries of the list that have ended, as key writes them.
type programs struct {
	Step   int      `json:"step"`
	Done   []string `json:"done,omitempty"`
	Failed []string `json:"failed,omitempty"`
}

func key(e sequence.Entry) string { return e.Variable + "=" + e.Package + ":" + e.Program }

// installPackage runs programs of packages in the installed system, one after the other.
func (x *Executor) installPackage(ctx context.Context, line sequence.Line, s *sequence.InstallPackage, env *sequence.Environment) (res engine.Result) {
	if x.Stage == status.StageBootImage {
		return failed(errors.New("programs are installed into the running system, and this is the boot image; put the step behind setupOperatingSystem, which restarts into the installed system"))
	}
	in := &install{Executor: x, ctx: ctx, line: line, step: s, env: env, entries: []sequence.Entry{{Package: s.Package, Program: s.Program}}}
	var err error
	if s.List != "" {
		in.entries, err = env.Listed(s.List)
	}
	if err = errors.Join(err, in.load(), in.known()); err != nil {
		return failed(err)
	}
	defer func() {
		if err := x.drop(env, in.used); err != nil && res.Err == nil {
			res.Err = fmt.Errorf("remove what was fetched: %w", err)
		}
	}()
	return in.run()
}

// load reads what has ended of this step.
func (in *install) load() error {
	err := in.Folder.ReadJSON(job.FilePrograms, &in.ended)
	if errors.Is(err, fs.ErrNotExist) || err == nil && in.ended.Step != in.line.Number {
		in.ended, err = programs{Step: in.line.Number}, nil
	}
	return err
}

func (in *install) save() error { return in.Folder.WriteJSON(job.FilePrograms, in.ended) }

// known refuses a list with an entry that is not there before the first program runs.
func (in *install) known() error {
	var errs []error
	for _, e := range in.entries {
		if _, _, err := in.find(e); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// run runs the entries that have not ended.
func (in *install) run() engine.Result {
	var restart bool
	for i, e := range in.entries {
		if slices.Contains(in.ended.Done, key(e)) || slices.Contains(in.ended.Failed, key(e)) {
			continue
		}
		wants, code, err := in.one(e)
		switch {
		case err != nil && in.ctx.Err() != nil:
			return in.result(code, err)
		case err != nil && !in.step.ContinueOnFailure:
			return in.result(code, errors.Join(err, in.again()))
		case err != nil:
			in.Say(err.Error())
			in.ended.Failed = append(in.ended.Failed, key(e))
		default:
			in.ended.Done = append(in.ended.Done, key(e))
		}
		if err := in.save(); err != nil {
			return in.result(0, err)
		}
		if restart = restart || wants; wants && i+1 < len(in.entries) {
			return in.restartBetween(i)
		}
	}
	if failed := in.ended.Failed; len(failed) > 0 {
		return in.result(0, errors.Join(fmt.Errorf("%d of %d programs failed: %s", len(failed), len(in.entries), strings.Join(failed, ", ")), in.again()))
	}
	res := in.result(0, nil)
	if restart {
		res.Restart = &engine.Restart{To: sequence.ToInstalledOS, Message: "restart, as the program asked for"}
	}
	return res
}

// again makes another try of the step run what failed.
func (in *install) again() error {
	in.ended.Failed = nil
	return in.save()
}

func (in *install) result(code int, err error) engine.Result {
	if len(in.entries) == 0 {
		in.output = append(in.output, fmt.Sprintf("the list is empty: variable %s is missing", sequence.ListVariable(in.step.List, 1)))
	}
	return engine.Result{ExitCode: code, Output: strings.Join(in.output, "\n"), Err: err}
}

// restartBetween asks the engine for a restart behind which the step goes on.
func (in *install) restartBetween(i int) engine.Result {
	in.output = append(in.output, fmt.Sprintf("restart behind program %d of %d; the list goes on behind it", i+1, len(in.entries)))
	return in.result(0, errors.Join(in.env.Set("SMSTSRebootRequested", "HD"), in.env.Set("SMSTSRetryRequested", "true")))
}
