package trace

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/bootward/bootward/osd/status"
)

// Machine is one that is being deployed and has not succeeded yet: the guide's
// Unprovisioned Computers, §2.2.1.1.8.
type Machine struct {
	Computer string `json:"computer,omitempty"` // its name, where it is known
	MAC      string `json:"mac,omitempty"`
	// State is running, failed or waiting; or booting or stopped, of one that has no
	// job and asked by network boot.
	State         string    `json:"state"`
	Since         time.Time `json:"since,omitzero"`
	LastSeen      time.Time `json:"lastSeen,omitzero"`
	Advertisement string    `json:"advertisement,omitempty"`
	Step          int       `json:"lastStep,omitempty"`
	Action        string    `json:"lastAction,omitempty"`
	ExitCode      int       `json:"exitCode,omitempty"`
	Box           string    `json:"box,omitempty"`
	Job           string    `json:"job,omitempty"`
	Code          Code      `json:"code,omitempty"` // of the diagnosis
	Text          string    `json:"text,omitempty"` // what it does, or what is wrong
}

// How long machines are shown that do nothing any more.
const (
	FailedFor = 7 * 24 * time.Hour // a job that failed, unless a later one succeeds
	AskedFor  = time.Hour          // a machine that asked and got nothing
)

// The states of a Machine without a job.
const (
	booting = "booting"
	stopped = "stopped"
)

// Unprovisioned lists every machine that is being deployed, waits, failed, or asked
// by network boot and got nothing. Events are those of all machines, in the order of
// time; names tell which computer has a MAC.
func Unprovisioned(jobs []status.Job, waits []status.Wait, events []status.FlightEvent, names map[string]string, now time.Time) []Machine {
	byClient := map[string][]status.FlightEvent{}
	client := map[string]string{} // by job
	for _, e := range events {
		byClient[e.Client] = append(byClient[e.Client], e)
		if e.Job != "" && e.Client != "" {
			client[e.Job] = e.Client
		}
	}
	all := []Machine{}
	busy := map[string]bool{} // MACs and names of machines that have a line
	for _, w := range waits {
		busy[w.MAC], busy[w.Computer] = true, true
		all = append(all, Machine{Computer: w.Computer, MAC: w.MAC, State: string(status.Waiting), Since: w.Since, LastSeen: w.Since, Advertisement: w.Advertisement, Box: w.Box,
			Text: "waits for approval, code " + w.Code + ": " + w.Why})
	}
	for _, j := range lastJobs(jobs) {
		mac := client[j.Job]
		over := j.State() == status.Succeeded || j.State() == status.Failed && now.Sub(j.Seen) > FailedFor
		if over || busy[j.Computer] {
			continue // what it did since stands in the events
		}
		all = append(all, ofRun(j, mac))
		busy[j.Computer], busy[mac] = true, true
	}
	for _, mac := range slices.Sorted(maps.Keys(byClient)) {
		if mac == "" || busy[mac] || names[mac] != "" && busy[names[mac]] {
			continue
		}
		if m, ok := asking(mac, byClient[mac], now); ok {
			m.Computer = names[mac]
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Machine) int {
		return cmp.Or(cmp.Compare(a.Computer, b.Computer), cmp.Compare(a.MAC, b.MAC))
	})
	return all
}

func ofRun(j status.Job, mac string) Machine {
	return Machine{Computer: j.Computer, MAC: mac, State: string(j.State()), Since: j.Started, LastSeen: j.Seen, Advertisement: j.Advertisement,
		Step: j.Step, Action: cmp.Or(j.Action, j.Group), ExitCode: j.ExitCode, Box: j.Box, Job: j.Job, Text: j.Last.Brief()}
}

// lastJobs is the newest job of each computer, by name.
func lastJobs(jobs []status.Job) []status.Job {
	last := map[string]status.Job{}
	for _, j := range jobs {
		if before, ok := last[j.Computer]; !ok || j.Started.After(before.Started) {
			last[j.Computer] = j
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b status.Job) int { return cmp.Compare(a.Computer, b.Computer) })
}

// asking is a machine without a job that asked by network boot: false for one that
// is at rest, or was last seen long ago.
func asking(mac string, events []status.FlightEvent, now time.Time) (Machine, bool) {
	last := events[len(events)-1].Time
	d := Diagnose(events, nil, now)
	switch {
	case now.Sub(last) > AskedFor:
		return Machine{}, false
	case d.Code == Nothing || d.Code == Done || d.Code == SentOn:
		return Machine{}, false
	}
	m := Machine{MAC: mac, State: stopped, Since: events[0].Time, LastSeen: last, Code: d.Code, Text: d.Seen}
	switch d.Code {
	case Booting, Running:
		m.State = booting
	case Waits:
		m.State = string(status.Waiting)
	}
	return m, true
}

// Table lists the machines.
func Table(machines []Machine) status.Table {
	t := status.Table{Columns: []status.Column{{Head: "COMPUTER", Least: len("52:54:00:77:00:11")}, {Head: "MAC", Wide: true}, {Head: "STATE", Least: 7}, {Head: "LAST SEEN", Least: 10},
		{Head: "STEP", Right: true}, {Head: "LAST ACTION", Least: 10}, {Head: "EXIT", Right: true}, {Head: "BOX", Least: 9, Wide: true}, {Head: "WHAT", Least: 14}}}
	for _, m := range machines {
		step := ""
		if m.Step > 0 {
			step = strconv.Itoa(m.Step)
		}
		t.Rows = append(t.Rows, []string{cmp.Or(m.Computer, m.MAC), m.MAC, m.State, status.Stamp(m.LastSeen), step, m.Action, strconv.Itoa(m.ExitCode), m.Box, m.Text})
	}
	return t
}
