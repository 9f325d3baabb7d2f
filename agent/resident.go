package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootward/bootward/agent/client"
	"github.com/bootward/bootward/agent/hardware"
	"github.com/bootward/bootward/agent/job"
	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/agent/point"
	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/durable"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/trust"
)

// Resident is the client of an installed system: it implements client.Box and
// client.Jobs on this machine.
type Resident struct {
	conf   Config
	dir    string // machine.ClientFolder
	anchor *trust.Anchor
	raw    []byte // the anchor's file
	clock  *point.Clock
	box    job.Box
	misses int // questions in a row that no box answered
	// find looks for a box of the segment.
	find func(context.Context) (job.Box, error)
}

// NewResident reads what a deployment left for the client.
func NewResident(conf Config) (*Resident, error) {
	conf.resident = true
	r := &Resident{conf: conf, dir: filepath.Join(conf.Root, machine.ClientFolder), clock: point.NewClock(conf.Built), find: findBox}
	var err error
	if r.anchor, r.raw, err = loadAnchor(filepath.Join(r.dir, machine.ClientAnchor)); err != nil {
		return nil, explained(err)
	}
	raw, err := os.ReadFile(filepath.Join(r.dir, machine.ClientBox))
	if err == nil {
		err = json.Unmarshal(raw, &r.box)
	}
	if err != nil {
		return nil, explained(fmt.Errorf("box of this machine: %w", err))
	}
	return r, nil
}

// explained says what a person can do about a client that cannot begin.
func explained(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("client: %w; run it as root", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("client: %w; this machine has no client: set clientAgent in the SiteSettings and deploy it", err)
	}
	return fmt.Errorf("client: %w; deploy the machine again, or copy the file from another client of the site", err)
}

// Run is the client's work until ctx ends: it asks the box, tells people and runs
// what is due.
func (r *Resident) Run(ctx context.Context, people *client.People, log *slog.Logger) (Next, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan error, 1)
	go func() { watched <- people.Run(ctx) }()
	defer func() { cancel(); <-watched }()
	r.conf.Tell = func(text string) {
		here, err := people.List()
		if err == nil {
			err = people.Tell(here, text)
		}
		if err != nil {
			log.Warn("people were not told", "text", text, "error", err)
		}
	}
	c := &client.Client{Box: r, Jobs: r, People: people, Now: r.clock.Now, File: filepath.Join(r.dir, "state.json"),
		Boot: strings.TrimSpace(string(boot)), Log: log}
	if c.Run(ctx) {
		return NextReboot, nil
	}
	return "", nil
}

// patienceOfQuestion bounds one question to a box.
const patienceOfQuestion = time.Minute

// Ask implements client.Box. Any box of the site may answer: a machine that was
// carried to another ward asks the box of that one.
func (r *Resident) Ask(ctx context.Context, event string) (api.Offers, error) {
	limited, cancel := context.WithTimeout(ctx, patienceOfQuestion)
	defer cancel()
	box := r.box
	if r.misses > 0 && r.misses%3 == 0 {
		if found, err := r.find(limited); err == nil {
			box = found
		}
	}
	offers, err := r.askAt(limited, &box, event)
	if err != nil && !api.Final(err) {
		r.misses++
		return offers, err
	}
	r.misses = 0
	if err == nil && box != r.box {
		r.box = box
		err = r.keepBox()
	}
	return offers, err
}

func (r *Resident) askAt(ctx context.Context, box *job.Box, event string) (api.Offers, error) {
	hello, err := point.FirstHello(ctx, r.anchor, box.Address, r.clock)
	if err != nil {
		return api.Offers{}, err
	}
	box.Name = hello.BoxName
	c := point.New(r.anchor, box.Address, r.clock, nil)
	defer c.Close()
	return c.Offers(ctx, api.Ask{Identity: identity(hardware.Collect(os.DirFS("/"))), Where: osd.ToRunningClients, Event: event})
}

// keepBox remembers a box that answered.
func (r *Resident) keepBox() error {
	raw, err := json.Marshal(r.box)
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(r.dir, machine.ClientBox), raw, 0o600)
}

// GoOn implements client.Jobs.
func (r *Resident) GoOn(ctx context.Context) (restart bool, err error) {
	if _, err := job.Open(filepath.Join(r.conf.Root, job.Name)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	next, err := Resume(ctx, r.conf)
	return next == NextReboot, err
}

// Start implements client.Jobs.
func (r *Resident) Start(ctx context.Context, o api.Offer, event string) (restart bool, err error) {
	next, err := r.start(ctx, o, event, nil)
	return next == NextReboot, err
}

// Ask gives the answers to the questions of a sequence, by variable; one that is left out has none.
type Ask func(ctx context.Context, questions []sequence.Question) (map[string]string, error)

// Choose runs an offer that a person at the machine chose, by its ID or its name. ask is asked before
// the offer is claimed, also when there are no questions.
func (r *Resident) Choose(ctx context.Context, which string, ask Ask) (Next, error) {
	offers, err := r.Ask(ctx, "")
	if err != nil {
		return "", err
	}
	for _, o := range offers.Offers {
		if o.Advertisement == which || o.Name == which {
			answers, err := ask(ctx, o.Questions)
			if err != nil {
				return "", fmt.Errorf("run %s: %w", o.Name, err)
			}
			return r.start(ctx, o, "", &chosen{answers})
		}
	}
	why := "`bootward-agent client list` shows what is"
	if len(offers.Why) > 0 {
		why = strings.Join(offers.Why, "; ")
	}
	return "", api.Errorf(api.CodeRefused, which, "it is not offered to this machine: %s", why)
}
