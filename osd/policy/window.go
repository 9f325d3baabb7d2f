package policy

import (
	"fmt"
	"time"

	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/membership"
	"github.com/bootward/bootward/osd/schedule"
)

// outsideWindows says why a mandatory run may not begin now: the machine's
// collections have maintenance windows, and none is open for long enough.
func (e *Evaluator) outsideWindows(a osd.Advertisement, in membership.Set, now time.Time) string {
	if a.IgnoreMaintenanceWindows {
		return ""
	}
	windows, end := 0, time.Time{}
	for _, c := range e.s.Collections {
		if !in.Has(c.Name) {
			continue
		}
		for _, w := range c.MaintenanceWindows {
			windows++
			zone, err := time.LoadLocation(w.TimeZone)
			if err != nil {
				zone = time.UTC
			}
			if until, open := schedule.Window(now, w.Schedule, time.Duration(w.Duration), zone); open && until.After(end) {
				end = until
			}
		}
	}
	need := time.Duration(a.MaximumRunTime)
	switch {
	case windows == 0:
		return ""
	case end.IsZero():
		return "no maintenance window of the machine's collections is open"
	case need > 0 && now.Add(need).After(end) && !a.AllowRestartOutside:
		return fmt.Sprintf("the maintenance window ends at %s, and the run may take %s", stamp(end), need)
	}
	return ""
}
