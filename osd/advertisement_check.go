package osd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bootward/bootward/osd/schedule"
)

// Validate implements Object.
func (a *Advertisement) Validate() error {
	c := &fieldCheck{errs: a.validate()}
	c.that(a.Collection != "", "collection", "", "name the collection that it is for")
	c.that(a.Sequence != "", "sequence", "", "name the task sequence")
	for i, m := range a.Mandatory {
		c.that(isAssignment(m), fmt.Sprintf("mandatory[%d]", i), m,
			"give asSoonAsPossible, atLogon, atLogoff, a time such as 2026-12-01T18:00:00Z, or a recurrence such as `daily at 02:00`")
	}
	c.errs = append(c.errs, checkZone("timeZone", a.TimeZone)...)
	c.moments(a)
	c.among("rerun", string(a.Rerun), string(RerunNever), string(RerunAlways), string(RerunIfFailed), string(RerunIfSucceeded))
	c.among("priority", string(a.Priority), string(PriorityHigh), string(PriorityMedium), string(PriorityLow))
	for i, t := range a.AvailableTo {
		c.among(fmt.Sprintf("availableTo[%d]", i), t, ToBootMediaAndPXE, ToRunningClients)
	}
	c.that(!a.eventOnly() || a.To(ToRunningClients), "availableTo", strings.Join(a.AvailableTo, ", "),
		"nobody signs in at a boot image: add runningClients for atLogon and atLogoff")
	c.notices(a)
	c.among("approval", a.Approval, ApprovalRequired, ApprovalNone)
	c.options(a)
	c.that(a.GrantDays >= 0 && a.GrantDays <= 90, "grantDays", fmt.Sprint(a.GrantDays), "give 1 to 90 days")
	c.that(a.ConfirmedMachines >= 0, "confirmedMachines", fmt.Sprint(a.ConfirmedMachines), "give the number of machines, 0 or more")
	c.errs = append(c.errs, checkNameTemplate("computerName", a.ComputerName)...)
	return errors.Join(c.errs...)
}

func isAssignment(s string) bool {
	if s == AsSoonAsPossible || s == AtLogon || s == AtLogoff {
		return true
	}
	_, err := schedule.Parse(s)
	return err == nil
}

// eventOnly says whether an assignment waits for somebody who signs in or out.
func (a *Advertisement) eventOnly() bool {
	return slices.Contains(a.Mandatory, AtLogon) || slices.Contains(a.Mandatory, AtLogoff)
}

// fieldCheck gathers what is wrong with an object.
type fieldCheck struct{ errs []error }

func (c *fieldCheck) that(ok bool, field, value, remedy string) {
	if !ok {
		c.errs = append(c.errs, &FieldError{field, value, remedy})
	}
}

// among takes one of the words, or nothing.
func (c *fieldCheck) among(field, value string, words ...string) {
	c.that(value == "" || slices.Contains(words, value), field, value, "give one of "+strings.Join(words, ", "))
}

func (c *fieldCheck) moments(a *Advertisement) {
	zone := zoneOf(a.TimeZone)
	start, errStart := a.Start.In(zone)
	end, errEnd := a.Expires.In(zone)
	c.that(errStart == nil, "start", string(a.Start), ErrMoment.Error())
	c.that(errEnd == nil, "expires", string(a.Expires), ErrMoment.Error())
	c.that(start.IsZero() || end.IsZero() || end.After(start), "expires", string(a.Expires), "must come after start")
}
