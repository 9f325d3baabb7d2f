package managementpoint

import (
	"context"

	"github.com/bootward/bootward/osd/status"
)

// raise raises an alarm about a machine: a person at the box is to see it too.
// Without Alarm it is recorded only.
func (p *Point) raise(ctx context.Context, mac, job, text string) {
	if p.Alarm != nil {
		p.Alarm(mac, job, text)
		return
	}
	p.flight(ctx, status.FlightEvent{Client: mac, Job: job, What: status.FlightAlarm, Text: text})
}

// tellSite tells the site at once, if somebody listens.
func (p *Point) tellSite() {
	if p.News != nil {
		p.News()
	}
}
