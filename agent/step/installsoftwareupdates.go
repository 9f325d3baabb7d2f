package step

import (
	"context"
	"errors"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// Updates brings the running system up to date.
type Updates interface {
	// Install installs updates; with mandatory those of the distribution's security archive alone.
	// It waits for other package managers. restart says that the system wants one. It may be
	// repeated, also when it was interrupted.
	Install(ctx context.Context, mandatory bool) (output string, restart bool, err error)
}

// installSoftwareUpdates brings the installed system up to date, and restarts it if that wants it.
func (x *Executor) installSoftwareUpdates(ctx context.Context, s *sequence.InstallSoftwareUpdates) engine.Result {
	if x.Stage == status.StageBootImage {
		return failed(errors.New("the boot image is not the system that is to be updated; put the step behind setupOperatingSystem, which restarts into the installed system"))
	}
	output, restart, err := x.Updates.Install(ctx, s.Updates == "mandatory")
	res := engine.Result{Output: output, Err: err}
	if err == nil && restart {
		res.Restart = &engine.Restart{To: sequence.ToInstalledOS, Message: "restart behind the software updates"}
	}
	return res
}
