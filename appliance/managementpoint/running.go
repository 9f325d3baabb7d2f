package managementpoint

import (
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// checkPlace looks at where a machine says that it asks from, and why. Neither is
// proof: who says that he is a running client gets nothing that erases.
func checkPlace(where, event string) *api.Error {
	if !slices.Contains([]string{"", osd.ToBootMediaAndPXE, osd.ToRunningClients}, where) {
		return api.Errorf(api.CodeInvalid, "where", "%.40q is none of %s, %s", where, osd.ToBootMediaAndPXE, osd.ToRunningClients)
	}
	if !slices.Contains([]string{"", osd.AtLogon, osd.AtLogoff}, event) {
		return api.Errorf(api.CodeInvalid, "event", "%.40q is none of %s, %s", event, osd.AtLogon, osd.AtLogoff)
	}
	if event != "" && where != osd.ToRunningClients {
		return api.Errorf(api.CodeInvalid, "event", "nobody signs in at a boot image: %s needs %s", event, osd.ToRunningClients)
	}
	return nil
}

// at is a machine that asks from somewhere.
func at(m policy.Machine, where, event string) policy.Machine {
	m.Where, m.Event = where, event
	return m
}

// upcoming tells a running client what it is going to run, and when to ask again.
func upcoming(answer *api.Offers, v Verdict) {
	for _, u := range v.Upcoming {
		answer.Upcoming = append(answer.Upcoming, api.Upcoming{
			Advertisement: u.Advertisement.ID, Name: u.Advertisement.Name, Text: u.Advertisement.Comment, At: u.At.UTC(),
			Countdown: u.Advertisement.Countdown, Reminders: u.Advertisement.Reminders,
		})
	}
	if len(answer.Upcoming) > 0 {
		answer.Next = answer.Upcoming[0].At
	}
}
