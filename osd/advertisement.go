package osd

import (
	"time"

	"github.com/bootward/bootward/osd/schedule"
)

// Rerun says what happens at a later assignment when a machine has run an
// advertisement before.
type Rerun string

// The rerun behaviours of the guide (table 19).
const (
	RerunNever       Rerun = "never" // the default
	RerunAlways      Rerun = "always"
	RerunIfFailed    Rerun = "ifFailed"
	RerunIfSucceeded Rerun = "ifSucceeded"
)

// Assignments that are no times.
const (
	AsSoonAsPossible = "asSoonAsPossible" // due at once
	AtLogon          = "atLogon"          // due when somebody signs in at a running client
	AtLogoff         = "atLogoff"
)

// Priority orders the advertisements that a machine may run.
type Priority string

// The priorities (guide, table 19).
const (
	PriorityHigh   Priority = "high"
	PriorityMedium Priority = "medium" // the default
	PriorityLow    Priority = "low"
)

// When a person compares a code.
const (
	ApprovalRequired = "required"
	ApprovalNone     = "none"
)

// Where an advertisement is available (guide, table 19).
const (
	ToBootMediaAndPXE = "bootMediaAndPXE" // the default
	ToRunningClients  = "runningClients"
)

// How a job gets its content (guide, table 19: content options).
const (
	ContentStream   = "stream"   // the default: applied while it is fetched, verified piece by piece
	ContentDownload = "download" // fetched whole to the target's volume, then applied
)

// Advertisement offers a task sequence to a collection (guide, tables 19,
// 35, 39 and 43). Its alias is deployment.
type Advertisement struct {
	Meta       `yaml:",inline"`
	Collection string `json:"collection" yaml:"collection"`
	Sequence   string `json:"sequence" yaml:"sequence"`
	// Mandatory are the assignments: asSoonAsPossible, atLogon, atLogoff, a
	// time, or a recurrence of osd/schedule, read in TimeZone. Without any, the
	// advertisement is available: a person chooses it.
	Mandatory []string `json:"mandatory,omitempty" yaml:"mandatory,omitempty"`
	// Start is when the advertisement begins; empty means at once.
	Start Moment `json:"start,omitempty" yaml:"start,omitempty"`
	// Expires is when it ends; empty means never.
	Expires Moment `json:"expires,omitempty" yaml:"expires,omitempty"`
	// TimeZone is that of times without one; UTC when left out.
	TimeZone string   `json:"timeZone,omitempty" yaml:"timeZone,omitempty"`
	Priority Priority `json:"priority,omitempty" yaml:"priority,omitempty"`
	// Rerun is RerunNever when left out. A destructive sequence needs a new
	// grant for each run, whatever stands here.
	Rerun Rerun `json:"rerun,omitempty" yaml:"rerun,omitempty"`
	// AvailableTo lists bootMediaAndPXE, runningClients; the first when left out.
	AvailableTo []string `json:"availableTo,omitempty" yaml:"availableTo,omitempty"`
	// IgnoreMaintenanceWindows runs outside of them too. AllowRestartOutside
	// lets a run begin that may still restart the machine after the window.
	IgnoreMaintenanceWindows bool `json:"ignoreMaintenanceWindows,omitempty" yaml:"ignoreMaintenanceWindows,omitempty"`
	AllowRestartOutside      bool `json:"allowRestartOutside,omitempty" yaml:"allowRestartOutside,omitempty"`
	// MaximumRunTime must fit into what is left of a maintenance window.
	MaximumRunTime Duration `json:"maximumRunTime,omitzero" yaml:"maximumRunTime,omitempty"`
	// Countdown is how long a mandatory run waits when somebody is there to be
	// told: at a running client those who are signed in, at a boot image whoever
	// sits before the screen.
	Countdown Duration `json:"countdown,omitzero" yaml:"countdown,omitempty"`
	// Reminders are how long before a time of an assignment those who are signed
	// in at a running client are reminded of it: once each.
	Reminders []Duration `json:"reminders,omitempty" yaml:"reminders,omitempty"`
	// RunIndependently lets a person at a running client start a mandatory
	// advertisement that is not due.
	RunIndependently bool `json:"runIndependently,omitempty" yaml:"runIndependently,omitempty"`
	// ComputerName is the template of names for machines that were not
	// imported.
	ComputerName string `json:"computerName,omitempty" yaml:"computerName,omitempty"`
	// AskComputerName lets the person at a machine that was not imported type its
	// name in the wizard; that of the template is suggested.
	AskComputerName bool `json:"askComputerName,omitempty" yaml:"askComputerName,omitempty"`
	// Approval says when a person compares a code before a machine gets a job:
	// ApprovalRequired, ApprovalNone, or empty: for machines that the site does
	// not know, and for sequences that use secrets.
	Approval string `json:"approval,omitempty" yaml:"approval,omitempty"`
	// SecretsWithoutApproval releases the secrets of the sequence also to a
	// machine that only showed its labels.
	SecretsWithoutApproval bool `json:"secretsWithoutApproval,omitempty" yaml:"secretsWithoutApproval,omitempty"`
	// Content is ContentStream, which is meant when it is empty, or
	// ContentDownload.
	Content string `json:"content,omitempty" yaml:"content,omitempty"`
	// RemoteDistributionPoint lets a box offer it although packages and images
	// are not complete there: the box passes on what it fetches from its site
	// meanwhile, as long as the line is up. The boot image must be complete.
	RemoteDistributionPoint bool `json:"remoteDistributionPoint,omitempty" yaml:"remoteDistributionPoint,omitempty"`
	// ShowProgress false hides the steps on the target's screen; failures are
	// shown all the same. Left out: true.
	ShowProgress *bool `json:"showProgress,omitempty" yaml:"showProgress,omitempty"`
	// Text is shown on the target before it starts; 500 bytes at most.
	Text string `json:"text,omitempty" yaml:"text,omitempty"`
	// WakeOnLAN has the box of the segment wake the machines that start it by
	// themselves, when an assignment comes.
	WakeOnLAN bool `json:"wakeOnLAN,omitempty" yaml:"wakeOnLAN,omitempty"`
	// ConfirmedMachines is the number of machines that the administrator was
	// shown and confirmed for a mandatory destructive sequence. The site
	// refuses the advertisement when the collection holds another number.
	ConfirmedMachines int `json:"confirmedMachines,omitempty" yaml:"confirmedMachines,omitempty"`
	// GrantDays is how long the grants of a mandatory destructive sequence
	// are good for; 14 when left out, 90 at most.
	GrantDays int `json:"grantDays,omitempty" yaml:"grantDays,omitempty"`
}

// ObjectKind implements Object.
func (a *Advertisement) ObjectKind() Kind { return KindAdvertisement }

// IsMandatory says whether machines run it without being asked.
func (a *Advertisement) IsMandatory() bool { return len(a.Mandatory) > 0 }

// ShowsProgress says whether the target's screen shows the steps.
func (a *Advertisement) ShowsProgress() bool { return a.ShowProgress == nil || *a.ShowProgress }

// Downloads says whether content is fetched whole before it is applied.
func (a *Advertisement) Downloads() bool { return a.Content == ContentDownload }

// StartTime is when it begins; the zero time means at once.
func (a *Advertisement) StartTime() time.Time { return a.moment(a.Start) }

// ExpiryTime is when it ends; the zero time means never.
func (a *Advertisement) ExpiryTime() time.Time { return a.moment(a.Expires) }

func (a *Advertisement) moment(m Moment) time.Time {
	t, err := m.In(zoneOf(a.TimeZone))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Open says whether the advertisement has started and not expired at now.
func (a *Advertisement) Open(now time.Time) bool {
	return !now.Before(a.StartTime()) && !a.Ended(now)
}

// Ended says whether it has expired at now.
func (a *Advertisement) Ended(now time.Time) bool {
	end := a.ExpiryTime()
	return !end.IsZero() && !now.Before(end)
}

// Due is the newest occurrence of an assignment that has come at now; false if
// none has. asSoonAsPossible occurs at the start; event is atLogon, atLogoff or
// empty, and occurs now.
func (a *Advertisement) Due(now time.Time, event string) (occurrence time.Time, due bool) {
	for _, m := range a.Mandatory {
		t, ok := a.last(m, now, event)
		if ok && (!due || t.After(occurrence)) {
			occurrence, due = t, true
		}
	}
	return occurrence, due
}

func (a *Advertisement) last(assignment string, now time.Time, event string) (time.Time, bool) {
	switch assignment {
	case AsSoonAsPossible:
		t := a.StartTime()
		return t, !now.Before(t)
	case AtLogon, AtLogoff:
		return now, assignment == event
	}
	s, err := schedule.Parse(assignment)
	if err != nil {
		return time.Time{}, false
	}
	t, ok := s.Last(now, zoneOf(a.TimeZone))
	return t, ok && (s.Once() || !t.Before(a.StartTime()))
}

// Next is the first occurrence of an assignment after now; false if none comes.
func (a *Advertisement) Next(now time.Time) (next time.Time, ok bool) {
	for _, m := range a.Mandatory {
		t, found := time.Time{}, false
		if m == AsSoonAsPossible {
			t = a.StartTime()
			found = t.After(now)
		} else if s, err := schedule.Parse(m); err == nil {
			t, found = s.Next(now, zoneOf(a.TimeZone))
		}
		if found && (!ok || t.Before(next)) {
			next, ok = t, true
		}
	}
	return next, ok
}

// NextStart is the first time after now at which an assignment makes the
// advertisement due; false if none comes before it expires.
func (a *Advertisement) NextStart(now time.Time) (time.Time, bool) {
	start := a.StartTime()
	next, ok := start, false
	if start.After(now) {
		now = start
		_, ok = a.Due(start, "")
	}
	if !ok {
		next, ok = a.Next(now)
	}
	return next, ok && !a.Ended(next)
}

// To says whether the advertisement is available to boot media and PXE, or to
// running clients.
func (a *Advertisement) To(where string) bool {
	if len(a.AvailableTo) == 0 {
		return where == ToBootMediaAndPXE
	}
	for _, t := range a.AvailableTo {
		if t == where {
			return true
		}
	}
	return false
}
