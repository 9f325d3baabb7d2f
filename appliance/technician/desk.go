// Package technician lets persons work at their box, also while the line to the
// site is cut: they sign in with a name and a PIN, or show their certificate,
// and then approve machines that wait, clear PXE marks, let a stopped box go on,
// and read what happened.
//
// Who may do what comes from the policy in force, and is looked at again for
// each request: whom a new policy locks out is out at once. A PIN is checked
// against a verifier that is sealed to this box, one at a time; wrong ones make
// everybody wait who tries that name, and who tries at all from the same side. A
// wrong PIN and a name that is not known look alike. Every change stands in the
// audit log under the name of the person.
//
// Rights stand in two tables: that of the routes (routes.go) and that of the
// console's words (words.go). What is in neither is refused. It does not decide
// what a machine gets, and tells nobody a PIN or a token.
//
// Routes and types: api/technician.go, docs/formats/box-api.md.
package technician

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/trust"
)

// Self is who the box is.
type Self struct {
	Site   string
	Anchor *trust.Anchor
}

// Approvals are the machines that wait until a person has compared their code.
// Its methods may be called by several goroutines at once.
type Approvals interface {
	// Pending lists those that wait, and those that were decided on and did not
	// come back yet, oldest first.
	Pending(ctx context.Context) ([]api.PendingApproval, error)
	// DecideCode keeps what who said of the machine that shows a code, in the form
	// of trust.NormalizeCode. api.CodeNotFound: no machine shows it;
	// api.CodeConflict: somebody was faster.
	DecideCode(ctx context.Context, code, decision, who string) (api.PendingApproval, *api.Error)
}

// Desk is where technicians work. Its fields are set before use and not changed
// after; functions are called by several goroutines at once.
type Desk struct {
	Store *store.Store
	// Self is nil before the box is enrolled.
	Self func() *Self
	// Evaluator is the policy in force, nil before there is one.
	Evaluator func() *policy.Evaluator
	// Unseal opens a value that the site sealed to this box; nil: none can be
	// opened, and only certificates let anybody in.
	Unseal    func(policy.Sealed) ([]byte, error)
	Approvals Approvals
	// State gathers what the console shows.
	State func(context.Context) api.BoxConsole
	// Explain says what a machine would be sent, by MAC and by kind of firmware ("": the
	// last that it showed, else all), and changes nothing; nil: nothing is explained.
	Explain func(ctx context.Context, mac, firmware string) (api.BootExplanation, error)
	// Allow says whether the sender of a request may ask once more; nil: always.
	Allow func(*http.Request) bool
	// Logs are those of jobs; nil: none is kept.
	Logs joblog.Source
	// Progress is how far running steps are, by job, and Moved is closed when that
	// changes; both may be nil.
	Progress func() map[string]status.Progress
	Moved    func() <-chan struct{}
	Now      func() time.Time
	Log      *slog.Logger
	// Test tests the segment of an interface, or all; its errors are those of
	// selftest.Tester.
	Test func(ctx context.Context, iface string) (api.SelfTest, error)

	signing  gate       // one PIN is checked at a time
	guessing sync.Mutex // one code is looked for at a time
	sessions sessions
	streams  streams
	once     sync.Once
	dummy    string                // verifier of nobody's PIN
	checked  func(verifier string) // is told of each check, in tests
}

// caller is a person that was proven, with the name of the box in its policy.
type caller struct {
	person *osd.Person
	box    string
}

// may says no unless the caller has a right at this box: osd.MayApprove and so
// on, or anyRight. A right that is not known is nobody's.
func (c caller) may(do string) *failure {
	switch what := rights[do]; {
	case what == "":
		return fail(api.CodeForbidden, c.person.Name, "nobody may do this")
	case do == anyRight && c.person.At(c.box), do != anyRight && c.person.CanAt(c.box, do):
		return nil
	default:
		return fail(api.CodeForbidden, c.person.Name, "may not %s at %s", what, c.box).remedy("an administrator gives the right: technician.may of the Person")
	}
}

// rights says what they are in words.
var rights = map[string]string{anyRight: "look around", osd.MayApprove: "approve machines", osd.MayClear: "clear PXE marks",
	osd.MayResume: "let the box go on", osd.MayMedia: "make media"}

// rights lists what the caller may do.
func (c caller) rights() []string {
	var all []string
	for _, do := range []string{osd.MayApprove, osd.MayClear, osd.MayResume, osd.MayMedia} {
		if c.person.CanAt(c.box, do) {
			all = append(all, do)
		}
	}
	return all
}

// anyRight stands for every right: who has one of them may look.
const anyRight = "technician"

// callerNamed finds the person whom the policy in force lets in at this box, by
// name in any case; false for one that is not there, is disabled, or whose name
// two persons have.
func (d *Desk) callerNamed(name string) (caller, bool) {
	e := d.Evaluator()
	if e == nil {
		return caller{}, false
	}
	s := e.Snapshot()
	same := func(p osd.Person) bool { return strings.EqualFold(p.Name, name) }
	i := slices.IndexFunc(s.People, same)
	if i < 0 || slices.ContainsFunc(s.People[i+1:], same) {
		return caller{}, false
	}
	c := caller{person: &s.People[i], box: s.Box.Name}
	return c, c.person.At(c.box)
}

// failure is why something was not done, and how long to wait until it is of use
// to try again.
type failure struct {
	*api.Error
	wait time.Duration
}

func fail(code api.Code, object, format string, args ...any) *failure {
	return &failure{Error: api.Errorf(code, object, format, args...)}
}

func (f *failure) remedy(format string, args ...any) *failure {
	f.WithRemedy(format, args...)
	return f
}

// tooMany tells how long somebody has to wait.
func tooMany(wait time.Duration, what string) *failure {
	wait = max(wait.Round(time.Second), time.Second)
	f := fail(api.CodeTooMany, "", "too many wrong %s: the next is taken in %s", what, wait)
	f.wait = wait
	return f
}

// internal is an error of ours: it is logged here, and not told, since errors of
// the database name paths and data.
func (d *Desk) internal(what string, err error) *failure {
	if store.IsFull(err) {
		d.Log.Error(what+" failed", "error", err)
		return fail(api.CodeNoSpace, "box", "the disk of the box is full")
	}
	if !errors.Is(err, context.Canceled) {
		d.Log.Error(what+" failed", "error", err)
	}
	return fail(api.CodeInternal, "box", "the box failed; its log says why")
}

// gate lets one through at a time. The zero value is open.
type gate struct {
	once  sync.Once
	taken chan struct{}
}

// enter waits for its turn; false when ctx ended before.
func (g *gate) enter(ctx context.Context) (leave func(), ok bool) {
	g.once.Do(func() { g.taken = make(chan struct{}, 1) })
	select {
	case g.taken <- struct{}{}:
		return func() { <-g.taken }, true
	case <-ctx.Done():
		return nil, false
	}
}
