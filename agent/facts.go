package agent

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/bootward/bootward/agent/facts"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/osd/query"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
	"github.com/bootward/bootward/osd/status"
)

// conditions lets the conditions of a sequence ask this machine, and the log say what came of it.
func (s *session) conditions(e *engine.Engine) {
	e.Facts = s.facts()
	e.Skipped = func(l sequence.Line, why string) {
		s.log.Info("skipped, as its condition does not hold", "number", l.Number, "name", l.Name(), "why", why)
	}
	e.Warned = func(l sequence.Line, warning string) {
		s.log.Warn("the answer to a condition may be wrong", "number", l.Number, "name", l.Name(), "warning", warning)
	}
}

func (s *session) facts() *facts.Machine {
	return &facts.Machine{Root: s.system, Computer: query.Computer{Name: s.job.Computer, SMBIOSGUID: s.hardware.UUID,
		MACs: s.hardware.MACs(), IPAddresses: s.network.ips, Facts: s.hardware}}
}

// system is the folder of the system that conditions ask about: the one that runs, and in the
// boot image the one that was applied, once there is one.
func (s *session) system() (string, error) {
	if s.stage == status.StageInstalledSystem {
		return s.conf.Root, nil
	}
	var l job.Layout
	if err := s.folder.ReadJSON(job.FileDisk, &l); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if l.Applied {
		return filepath.Join(s.conf.Run, "target"), nil
	}
	return "/", nil
}
