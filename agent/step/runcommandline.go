package step

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// runCommandLine runs a command by the shell of where the agent is. Secrets of
// the step, and secret variables that it names as $NAME, are in the environment of the
// command, which its user alone can read, and never in its command line. With a package it starts in a folder that holds its files.
func (x *Executor) runCommandLine(ctx context.Context, line sequence.Line, s *sequence.RunCommandLine, env *sequence.Environment) (res engine.Result) {
	public := env.Public()
	command, err := public.Expand(s.Command)
	if err != nil {
		return failed(err)
	}
	dir, err := public.Expand(s.WorkingDirectory)
	if err != nil {
		return failed(err)
	}
	if err := x.asUser(s.RunAs); err != nil {
		return failed(err)
	}
	if s.Package != "" {
		p, err := x.Packages.Find(s.Package)
		if err != nil {
			return failed(err)
		}
		at := x.forRuns(p)
		if dir, err = within(at, dir); err != nil {
			return failed(err)
		}
		defer func() {
			if err := x.drop(env, []string{at}); err != nil && res.Err == nil {
				res.Err = fmt.Errorf("remove what was fetched: %w", err)
			}
		}()
		if err := x.fetch(ctx, line, p, at, s.RunAs); err != nil {
			return failed(err)
		}
	}
	code, stdout, output, err := x.Commands.Run(ctx, Command{Line: command, Dir: dir, Variables: env.ForCommand(command), RunAs: s.RunAs})
	res = engine.Result{ExitCode: code, Output: output, Err: err}
	if s.OutputVariable != "" && err == nil {
		_, res.Err = keep(env, s.OutputVariable, strings.TrimRight(stdout, "\r\n"), false)
	}
	return res
}
