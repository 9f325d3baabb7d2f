package osd

import (
	"fmt"
	"time"
)

// Limits of what people are told before a mandatory run.
const (
	MaxCountdown = 24 * time.Hour
	MaxReminder  = 30 * 24 * time.Hour
	maxReminders = 10
)

// notices looks at countdown, reminders and what people may start themselves.
func (c *fieldCheck) notices(a *Advertisement) {
	countdown := time.Duration(a.Countdown)
	c.that(countdown <= MaxCountdown, "countdown", countdown.String(), "give 24h at most")
	c.that(countdown == 0 || countdown >= time.Second, "countdown", countdown.String(), "give 1s or more, or leave it out")
	c.that(countdown == 0 || a.IsMandatory(), "countdown", countdown.String(),
		"only a mandatory advertisement counts down: give mandatory, or leave countdown out")
	c.that(len(a.Reminders) <= maxReminders, "reminders", fmt.Sprint(len(a.Reminders)), fmt.Sprintf("give %d at most", maxReminders))
	c.that(len(a.Reminders) == 0 || a.IsMandatory(), "reminders", fmt.Sprint(len(a.Reminders)),
		"only a mandatory advertisement has a time to remind of: give mandatory, or leave reminders out")
	c.that(len(a.Reminders) == 0 || a.To(ToRunningClients), "reminders", fmt.Sprint(len(a.Reminders)),
		"people are reminded at running clients: add runningClients to availableTo, or leave reminders out")
	seen := map[Duration]bool{}
	for i, r := range a.Reminders {
		field, d := fmt.Sprintf("reminders[%d]", i), time.Duration(r)
		c.that(d >= time.Minute && d <= MaxReminder, field, d.String(), "give 1m to 720h")
		c.that(!seen[r], field, d.String(), "it stands there twice: leave one out")
		seen[r] = true
	}
	c.that(!a.RunIndependently || a.IsMandatory() && a.To(ToRunningClients), "runIndependently", "true",
		"it is for mandatory advertisements to runningClients: an available one is run when a person chooses it")
}
