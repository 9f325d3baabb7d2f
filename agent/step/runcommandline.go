package step

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
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
	if s.RunAs != "" && x.Stage == status.StageBootImage {
		return failed(fmt.Errorf("run as %s: the boot image has no user but root; put the step behind the restart into the installed system, or leave runAs out", s.RunAs))
	}
	code, stdout, output, err := x.Commands.Run(ctx, Command{Line: command, Dir: dir, Variables: env.Lent(), RunAs: s.RunAs})
	res := engine.Result{ExitCode: code, Output: output, Err: err}
	if s.OutputVariable != "" && err == nil {
		if e := env.Set(s.OutputVariable, strings.TrimRight(stdout, "\r\n")); e != nil {
			res.Err = e
		}
	}
	return res
}
