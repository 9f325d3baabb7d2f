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
func (s *session) postAction() string {
	state := engine.State{}
	if err := s.folder.ReadJSON(job.FileState, &state); err != nil {
		return ""
	}
	env, err := state.Environment()
	if err != nil {
		return ""
	}
	value, _ := env.Get("SMSTSPostAction")
	command, err := env.Expand(value)
	if err != nil {
		s.console.Line("SMSTSPostAction: %s", err)
	}
	return command
}

// after runs the command of SMSTSPostAction as the last thing of a job, when nothing of it is
// left: a command that restarts the machine must not find the job again. It changes nothing of
// how the job ended, and what it prints is shown nowhere.
func (s *session) after(ctx context.Context, command string) {
	if command == "" {
		return
	}
	s.console.Line("run the command of SMSTSPostAction")
	limited, cancel := context.WithTimeout(ctx, postActionLimit)
	defer cancel()
	code, _, _, err := machine.Commands{}.Run(limited, step.Command{Line: command})
	switch {
	case err != nil:
		s.console.Line("SMSTSPostAction: %s", err)
	case code != 0:
		s.console.Line("SMSTSPostAction: exit code %d", code)
	}
}
