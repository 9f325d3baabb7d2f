package appliance

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/httpapi"
	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/bootward/bootward/appliance/technician"
	"github.com/bootward/bootward/osd/policy"
)

// newDesk puts together where technicians work. The box's other parts are there.
func (b *Box) newDesk() *technician.Desk {
	return &technician.Desk{
		Store: b.store, Evaluator: b.point.Evaluator, Approvals: b.point,
		Explain: b.explain, State: b.boxConsole, Allow: b.point.Allow, Now: b.link.Now, Log: b.super.Logger("technician"),
		Self: func() *technician.Self {
			if id := b.link.Identity(); id != nil {
				return &technician.Self{Site: id.Site, Anchor: id.Anchor}
			}
			return nil
		},
		Logs: b.logs, Progress: b.point.Progress, Moved: b.point.Moved,
		Test: b.tester.Run,
		Unseal: func(s policy.Sealed) ([]byte, error) {
			if b.point.Unseal == nil {
				return nil, errors.New("this box has no key to open what is sealed to it")
			}
			return b.point.Unseal(s)
		},
	}
}

// handler serves every route of the box.
func (b *Box) handler() (http.Handler, error) {
	all, err := httpapi.Describe(b.o.Version, append(b.point.Routes(), b.desk.Routes()...))
	if err != nil {
		return nil, err
	}
	return httpapi.Mux(all), nil
}

// newConsole makes the console; it reads what is typed if there is a keyboard.
func (b *Box) newConsole() *serialconsole.Console {
	c := &serialconsole.Console{Out: b.o.Console, State: b.consoleState, Changed: b.changed.Changed, Uptime: serialconsole.Uptime}
	if b.keys != nil {
		status := func(ctx context.Context) []string { return serialconsole.Render(b.consoleState(ctx)) }
		c.Keys, c.Input = b.keys, &technician.Terminal{Desk: b.desk, Status: status}
	}
	return c
}

// boxConsole is what technicians are told: what the console shows, for programs.
func (b *Box) boxConsole(ctx context.Context) api.BoxConsole {
	s := b.consoleState(ctx)
	c := api.BoxConsole{Box: s.Box, Site: s.Site, Version: s.Version, Addresses: s.Addresses, Policy: s.Policy, Ready: s.Ready, NotReady: s.NotReady,
		Line: s.Line, Waiting: s.Waiting, Alarms: s.Alarms, SelfTest: b.tested()}
	stopped, err := b.point.Stopped(ctx)
	jobs, err2 := b.store.OpenJobs(ctx)
	if err := cmp.Or(err, err2); err != nil {
		c.Alarms = append(c.Alarms, "the database cannot be read") // the log says why
	}
	c.Stopped = stopped
	progress := b.point.Progress()
	for _, j := range jobs {
		one := api.BoxJob{ID: j.ID, Computer: j.Name, Sequence: j.Sequence, Opened: j.Opened}
		if g, ok := progress[j.ID]; ok {
			one.Progress = &g
		}
		c.Jobs = append(c.Jobs, one)
	}
	return c
}
