package status

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// AdvertisementStatus is where every machine of an advertisement is (guide, figure 9).
type AdvertisementStatus struct {
	ID         string          `json:"id,omitempty"`
	Name       string          `json:"name"`
	Sequence   string          `json:"sequence,omitempty"`
	Collection string          `json:"collection,omitempty"`
	Machines   []MachineStatus `json:"machines"`
	Total      Counts          `json:"total"`
}

// MachineStatus is one machine, with the last message of its newest run.
type MachineStatus struct {
	Computer    string    `json:"computer"`
	State       State     `json:"state"`
	LastSeen    time.Time `json:"lastSeen,omitzero"`
	MessageID   MessageID `json:"lastStatusMessageID,omitempty"`
	MessageName string    `json:"lastStatusMessageName,omitempty"`
	Step        int       `json:"lastStep,omitempty"`
	Action      string    `json:"lastAction,omitempty"`
	Group       string    `json:"lastGroup,omitempty"`
	ExitCode    int       `json:"exitCode"`
	Box         string    `json:"box,omitempty"`
	Job         string    `json:"job,omitempty"`
	Code        string    `json:"code,omitempty"` // of one that waits for approval
}

// NewAdvertisementStatus says where the machines of an advertisement are. Jobs and
// waits of other advertisements are passed over.
func NewAdvertisementStatus(t Target, jobs []Job, waits []Wait) AdvertisementStatus {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j Job) bool { return j.Advertisement != t.Name && j.Advertisement != t.ID })
	waits = slices.DeleteFunc(slices.Clone(waits), func(w Wait) bool { return w.Advertisement != t.Name })
	a := AdvertisementStatus{ID: t.ID, Name: t.Name, Sequence: t.Sequence, Collection: t.Collection, Machines: machines(t, jobs, waits)}
	for _, m := range a.Machines {
		a.Total.add(m.State)
	}
	return a
}

// machines are those of an advertisement by name: members of its collection, those
// that ran it, and those that wait. What a machine does now comes before what it
// did: one that waits, waits, unless it runs.
func machines(t Target, jobs []Job, waits []Wait) []MachineStatus {
	all := map[string]MachineStatus{}
	for _, name := range t.Computers {
		all[name] = MachineStatus{Computer: name, State: NoStatus}
	}
	for name, j := range newest(jobs) {
		all[name] = MachineStatus{Computer: name, State: j.State(), LastSeen: j.Seen, MessageID: j.Last, MessageName: j.Last.Name(),
			Step: j.Step, Action: j.Action, Group: j.Group, ExitCode: j.ExitCode, Box: j.Box, Job: j.Job}
	}
	for _, w := range waits {
		if all[w.Computer].State == Running {
			continue
		}
		all[w.Computer] = MachineStatus{Computer: w.Computer, State: Waiting, LastSeen: w.Since, Box: w.Box, Code: w.Code}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b MachineStatus) int { return cmp.Compare(a.Computer, b.Computer) })
}

// Table is the list of machines.
func (a AdvertisementStatus) Table() Table {
	t := Table{Columns: []Column{{Head: "COMPUTER", Least: 12}, {Head: "STATE", Least: 9}, {Head: "LAST SEEN", Least: 10}, {Head: "ID", Least: 5, Right: true},
		{Head: "LAST MESSAGE", Least: 13}, {Head: "STEP", Right: true}, {Head: "LAST ACTION", Least: 11}, {Head: "EXIT", Least: 5, Right: true}, {Head: "BOX", Least: 9, Wide: true}}}
	for _, m := range a.Machines {
		id, name := "", ""
		if m.MessageID != 0 {
			id, name = strconv.Itoa(int(m.MessageID)), m.MessageID.Brief()
		}
		if m.Code != "" {
			name = "waits for approval, code " + m.Code
		}
		t.Rows = append(t.Rows, []string{m.Computer, string(m.State), Stamp(m.LastSeen), id, name, number(m.Step), cmp.Or(m.Action, m.Group), strconv.Itoa(m.ExitCode), m.Box})
	}
	return t
}
