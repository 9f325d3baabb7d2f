package step

import (
	"errors"
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// restartComputer asks the engine for a restart. The job can only go on if its
// folder lies on a volume, and, from the boot image into the installed system,
// if there is one that starts.
func (x *Executor) restartComputer(s *sequence.RestartComputer, env *sequence.Environment) engine.Result {
	if x.Stage == status.StageBootImage && !strings.HasPrefix(x.Folder.Dir(), x.Root+"/") {
		return failed(errors.New("the job could not go on after a restart: its folder is in memory; partition the disk first"))
	}
	message, err := env.Expand(s.Message)
	if err != nil {
		return failed(err)
	}
	return engine.Result{Restart: &engine.Restart{To: s.To, Message: message, Delay: time.Duration(s.Delay)}}
}
