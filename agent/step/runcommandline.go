package step

import (
	"context"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// runCommandLine runs a command by the shell of where the agent is. Secrets of
// the step are in the environment of the command, which its user alone can read,
// and never in its command line.
func (x *Executor) runCommandLine(ctx context.Context, s *sequence.RunCommandLine, env *sequence.Environment) engine.Result {
	public := env.WithoutLent()
	command, err := public.Expand(s.Command)
	if err != nil {
		return failed(err)
	}
	dir, err := public.Expand(s.WorkingDirectory)
	if err != nil {
		return failed(err)
	}
	code, stdout, output, err := x.Commands.Run(ctx, command, dir, env.Lent())
	res := engine.Result{ExitCode: code, Output: output, Err: err}
	if s.OutputVariable != "" && err == nil {
		if e := env.Set(s.OutputVariable, strings.TrimRight(stdout, "\r\n")); e != nil {
			res.Err = e
		}
	}
	return res
}
