package step

import (
	"context"
	"errors"

	"github.com/bootward/bootward/agent/domain"
	"github.com/bootward/bootward/agent/readiness"
	"github.com/bootward/bootward/agent/settings"
	"github.com/bootward/bootward/agent/share"
	"github.com/bootward/bootward/osd/status"
)

// Shares mounts shares of file servers. They are gone behind the next restart.
type Shares interface {
	// Connect mounts a share at a folder, which it makes. It may be repeated.
	Connect(ctx context.Context, s share.Share, at string) error
}

// Running is the machine and the system that the agent runs in, as far as it is only looked at.
type Running interface {
	// Readiness is what Check Readiness asks for; the disk is the free space of the running system.
	Readiness() readiness.Machine
	// Network is the set-up of the adapters that are hardware.
	Network(ctx context.Context) ([]settings.Link, error)
	Settings() (Captured, error)
}

// Captured is what the running system is set up as.
type Captured struct {
	HostName string
	settings.Windows
	domain.Membership
}

// Members makes the running system a member of a domain or a workgroup.
type Members interface {
	Join(ctx context.Context, j domain.Join) error
	// Workgroup says whether there is something that has a workgroup. The system at dir need not run.
	Workgroup(ctx context.Context, dir, name string) (bool, error)
}

// installed refuses a step that makes no sense in the boot image.
func (x *Executor) installed(remedy string) error {
	if x.Stage == status.StageBootImage {
		return errors.New("the step belongs into a running system, not into the boot image: " + remedy)
	}
	return nil
}
