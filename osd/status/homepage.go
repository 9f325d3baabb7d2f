package status

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Target is an advertisement, and whom it is for.
type Target struct {
	ID         string
	Name       string
	Sequence   string
	Collection string
	Computers  []string // members of the collection
}

// Wait is a machine that waits until a person has approved it.
type Wait struct {
	Computer      string // the name that it has, or will have
	MAC           string
	Advertisement string // name
	Sequence      string
	Box           string
	Code          string
	Why           string
	Since         time.Time
}

// Homepage counts machines by advertisement (guide, figure 8).
type Homepage struct {
	Rows  []HomepageRow `json:"advertisements"`
	Total Counts        `json:"total"`
}

// HomepageRow is one advertisement.
type HomepageRow struct {
	ID         string    `json:"id,omitempty"`
	Name       string    `json:"name"`
	Sequence   string    `json:"sequence,omitempty"`
	Collection string    `json:"collection,omitempty"`
	LastSeen   time.Time `json:"lastSeen,omitzero"` // the newest message
	Counts
}

// Counts are numbers of machines; each machine counts once, by its newest run.
type Counts struct {
	Running   int `json:"running"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Waiting   int `json:"waiting"`
	NoStatus  int `json:"noStatus"`
	Machines  int `json:"machines"`
}

func (c *Counts) add(s State) {
	c.Machines++
	switch s {
	case Running:
		c.Running++
	case Succeeded:
		c.Succeeded++
	case Failed:
		c.Failed++
	case Waiting:
		c.Waiting++
	default:
		c.NoStatus++
	}
}

func (c *Counts) sum(o Counts) {
	c.Running += o.Running
	c.Succeeded += o.Succeeded
	c.Failed += o.Failed
	c.Waiting += o.Waiting
	c.NoStatus += o.NoStatus
	c.Machines += o.Machines
}

// NewHomepage counts the machines of each advertisement. Jobs of one that is gone
// have a row under the name or ID that they bear. Jobs come in any order.
func NewHomepage(targets []Target, jobs []Job, waits []Wait) Homepage {
	byAdvertisement := map[string][]Job{}
	for _, run := range runs(jobs) {
		name := run[0].Advertisement
		byAdvertisement[name] = append(byAdvertisement[name], run...)
	}
	waiting := map[string][]Wait{}
	for _, w := range waits {
		waiting[w.Advertisement] = append(waiting[w.Advertisement], w)
	}
	h := Homepage{Rows: []HomepageRow{}}
	for _, t := range targets {
		mine := append(byAdvertisement[t.Name], byAdvertisement[t.ID]...)
		h.add(t, mine, waiting[t.Name])
		delete(byAdvertisement, t.Name)
		delete(byAdvertisement, t.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(byAdvertisement)) {
		h.add(Target{Name: name}, byAdvertisement[name], nil)
	}
	return h
}

// runs cuts jobs where the advertisement changes, without a copy.
func runs(jobs []Job) (all [][]Job) {
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && jobs[n].Advertisement == jobs[0].Advertisement {
			n++
		}
		all, jobs = append(all, jobs[:n:n]), jobs[n:]
	}
	return all
}

func (h *Homepage) add(t Target, jobs []Job, waits []Wait) {
	row := HomepageRow{ID: t.ID, Name: t.Name, Sequence: t.Sequence, Collection: t.Collection}
	type machine struct { // what is counted of a MachineStatus, of many thousands
		state State
		seen  time.Time
	}
	all := make(map[string]machine, max(len(t.Computers), len(jobs)))
	for _, name := range t.Computers {
		all[name] = machine{state: NoStatus}
	}
	for name, j := range newest(jobs) {
		all[name] = machine{j.State(), j.Seen}
	}
	for _, w := range waits {
		if all[w.Computer].state != Running {
			all[w.Computer] = machine{Waiting, w.Since}
		}
	}
	for _, m := range all {
		row.Counts.add(m.state)
		if m.seen.After(row.LastSeen) {
			row.LastSeen = m.seen
		}
	}
	h.Rows = append(h.Rows, row)
	h.Total.sum(row.Counts)
}

// Table is the homepage as figure 8 has it.
func (h Homepage) Table() Table {
	t := Table{Columns: []Column{{Head: "ADVERTISEMENT", Least: 14}, {Head: "RUNNING", Right: true}, {Head: "SUCCEEDED", Right: true},
		{Head: "FAILED", Right: true}, {Head: "WAITING", Right: true}, {Head: "NO STATUS", Least: 6, Right: true}, {Head: "MACHINES", Right: true}, {Head: "LAST SEEN", Least: 10}}}
	for _, r := range h.Rows {
		t.Rows = append(t.Rows, append(append([]string{r.Name}, r.cells()...), Stamp(r.LastSeen)))
	}
	t.Foot = append(append([]string{"Total"}, h.Total.cells()...), "")
	return t
}

func (c Counts) cells() []string {
	var all []string
	for _, n := range []int{c.Running, c.Succeeded, c.Failed, c.Waiting, c.NoStatus, c.Machines} {
		all = append(all, strconv.Itoa(n))
	}
	return all
}

// Stamp is a time in a view: UTC, as in reports; nothing for the zero time.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// newest finds the newest job of each computer.
func newest(jobs []Job) map[string]*Job {
	last := make(map[string]*Job, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		before := last[j.Computer]
		if before == nil || cmp.Or(j.Started.Compare(before.Started), cmp.Compare(j.Job, before.Job)) > 0 {
			last[j.Computer] = j
		}
	}
	return last
}
