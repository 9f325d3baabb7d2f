package agent

import (
	"context"
	"time"

	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/step"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// postActionLimit is how long the command of SMSTSPostAction may take.
const postActionLimit = 15 * time.Minute

// postAction is the command of SMSTSPostAction, as it is when a sequence has succeeded; empty if
// there is none. It is read before the job's folder goes.
func (s *session) postAction() step.Command {
	state := engine.State{}
	if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
		return step.Command{}
	}
	env, err := state.Environment()
	if err != nil {
		return step.Command{}
	}
	value, _ := env.Get("SMSTSPostAction")
	if env.Holds(value) {
		s.console.Line("SMSTSPostAction is not run: it holds a secret, and a command line stands in the list of processes")
		return step.Command{}
	}
	command, err := env.Public().Expand(value)
	if err != nil {
		s.console.Line("SMSTSPostAction: %s", err)
	}
	return step.Command{Line: command, Variables: env.ForCommand(command)}
}

// after runs the command of SMSTSPostAction as the last thing of a job, when nothing of it is
// left: a command that restarts the machine must not find the job again. It changes nothing of
// how the job ended, and what it prints is shown nowhere.
func (s *session) after(ctx context.Context, command step.Command) {
	if command.Line == "" {
		return
	}
	s.console.Line("run the command of SMSTSPostAction")
	limited, cancel := context.WithTimeout(ctx, postActionLimit)
	defer cancel()
	code, _, _, err := machine.Commands{}.Run(limited, command)
	switch {
	case err != nil:
		s.console.Line("SMSTSPostAction: %s", err)
	case code != 0:
		s.console.Line("SMSTSPostAction: exit code %d", code)
	}
}
