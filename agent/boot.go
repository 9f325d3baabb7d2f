package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bootward/bootward/agent/hardware"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/status"
)

// patience is how long the boot image looks for network, box and offers before it lets
// the machine boot its disk.
const patience = 10 * time.Minute

// Boot is the flow of the boot image: network, box, offers, job. It returns what
// the machine is to do next; an error is one that no screen has shown.
func Boot(ctx context.Context, conf Config) (Next, error) {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{conf: conf, stage: status.StageBootImage, console: conf.Console}
	var err error
	if s.folder, err = job.Create(filepath.Join(conf.Run, "job")); err != nil {
		return NextDisk, err
	}
	s.newLog()
	s.hardware = hardware.Collect(os.DirFS("/"))
	s.console.Line("Bootward: %s %s, serial %s", s.hardware.Manufacturer, s.hardware.Model, s.hardware.SerialNumber)
	s.nets = newNets(ctx, s.log, &work)
	offers, err := s.search(ctx)
	if err != nil {
		return s.nothing(ctx, err)
	}
	s.welcome(offers)
	chosen, seen, person := s.choose(ctx, offers)
	if chosen == nil {
		s.console.Line("nothing was changed; the machine boots its disk")
		s.decline(ctx)
		return NextDisk, ctx.Err()
	}
	if !person && !s.countdown(ctx, *chosen) {
		return NextReboot, ctx.Err()
	}
	return s.deploy(ctx, *chosen, seen, person)
}

// errSettings ends a search because somebody wants to set the network.
var errSettings = errors.New("a person sets the network")

// search is find for patience at most, as often as somebody sets the network meanwhile.
func (s *session) search(ctx context.Context) (api.Offers, error) {
	s.clock = point.NewClock(s.conf.Built)
	s.met.Address = setting(s.conf.CommandLine, "bootward.mp")
	s.console.Line("bring up the network (F2 or Ctrl-O: network settings)")
	for {
		limited, cancel := context.WithTimeout(ctx, patience)
		found, stop := context.WithCancelCause(limited)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for {
				switch k, ok := s.console.Key(found); {
				case !ok:
					return
				case isNetwork(k):
					stop(errSettings)
					return
				}
			}
		}()
		offers, err := s.find(found)
		wanted := errors.Is(context.Cause(found), errSettings) && ctx.Err() == nil && err != nil
		stop(nil)
		cancel()
		<-watched
		if !wanted || s.anchor == nil {
			return offers, err
		}
		s.setNetwork(ctx)
	}
}

// find brings the network up, finds the box and asks it what there is to do.
func (s *session) find(found context.Context) (api.Offers, error) {
	var offers api.Offers
	var raw []byte
	var err error
	if s.anchor, raw, err = loadAnchor(s.conf.Anchor); err != nil {
		return offers, err
	}
	if err := s.folder.Write(job.FileAnchor, raw); err != nil {
		return offers, err
	}
	if s.network, err = s.nets.configure(found); err != nil {
		return offers, err
	}
	s.console.Line("address %v on adapter %s", s.network.ips, s.network.mac)
	err = s.persist(found, "the box", func() error {
		_, err := s.meet(found)
		return err
	})
	if err != nil {
		return offers, err
	}
	if err := s.folder.WriteJSON(job.FileBox, s.met); err != nil {
		return offers, err
	}
	if s.cred, err = point.NewCredential(); err != nil {
		return offers, err
	}
	s.client = point.New(s.anchor, s.met.Address, s.clock, s.cred.Certificate)
	return s.offers(found)
}

// persist repeats what can pass until ctx ends; what the box refuses for good is
// not repeated. The reason is shown when it changes.
func (s *session) persist(ctx context.Context, what string, do func() error) error {
	shown := ""
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		err := do()
		if err == nil || api.Final(err) {
			return err
		}
		s.log.Warn("trying again", "component", "TSPXE", "what", what, "error", err)
		if text := err.Error(); text != shown {
			shown = text
			s.console.Line("waiting for %s: %s", what, text)
		}
		if !supervisor.Sleep(ctx, pause) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// nothing ends a search that found nothing to run: the machine boots its disk.
func (s *session) nothing(ctx context.Context, err error) (Next, error) {
	s.console.Line("no deployment: %s", err)
	s.console.Line("nothing was changed; the machine boots its disk in 30 s")
	s.log.Error("no deployment", "component", "TSPXE", "error", err)
	s.decline(ctx)
	supervisor.Sleep(ctx, 30*time.Second)
	return NextDisk, ctx.Err()
}

// decline asks the box, if there is one, not to offer the same again at once.
func (s *session) decline(ctx context.Context) {
	if s.client == nil {
		return
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := s.client.Decline(short, identity(s.hardware)); err != nil {
		s.log.Warn("decline", "component", "TSPXE", "error", err)
	}
}
