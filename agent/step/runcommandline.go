package step

import (
	"context"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// runCommandLine runs a command by the shell of where the agent is.
func (x *Executor) runCommandLine(ctx context.Context, s *sequence.RunCommandLine, env *sequence.Environment) engine.Result {
	command, err := env.Expand(s.Command)
	if err != nil {
		return failed(err)
	}
	dir, err := env.Expand(s.WorkingDirectory)
	if err != nil {
		return failed(err)
	}
	code, stdout, output, err := x.Commands.Run(ctx, command, dir)
	res := engine.Result{ExitCode: code, Output: output, Err: err}
	if s.OutputVariable != "" && err == nil {
		if e := env.Set(s.OutputVariable, strings.TrimRight(stdout, "\r\n")); e != nil {
			res.Err = e
		}
	}
	return res
}
