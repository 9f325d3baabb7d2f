package managementpoint

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

const (
	// ticketLife is how long a password that was typed counts.
	ticketLife = 15 * time.Minute
	// maxTickets bounds the tickets that are good at once.
	maxTickets = 1024
	// maxPassword is the longest password that is looked at, in bytes.
	maxPassword = 256
	// allPasswords counts the wrong passwords of all machines together: labels can
	// be made up, so a count for each machine alone would limit nobody.
	allPasswords = "pxe"
)

// passwords checks the box's PXE password. The zero value is ready.
type passwords struct {
	// one check at a time: each takes its memory and its time on purpose.
	one sync.Mutex

	mu      sync.Mutex
	tickets map[[sha256.Size]byte]ticket // by the digest of their text
}

// ticket says that a person at a machine knew a revision of the password.
type ticket struct {
	machine  string
	revision int64
	ends     time.Time
}

// sealedPassword is the verifier of the PXE password; nil if none is set.
func sealedPassword(s *policy.Snapshot) *policy.Sealed {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Sealed, func(v policy.Sealed) bool { return v.Kind == policy.SealedPassword })
	if i < 0 {
		return nil
	}
	return &s.Sealed[i]
}

// passes says whether a ticket shows that somebody at a machine knew the password
// that is set now.
func (p *Point) passes(text, machine string, s *policy.Sealed) bool {
	if text == "" || machine == "" {
		return false
	}
	p.passwords.mu.Lock()
	defer p.passwords.mu.Unlock()
	t, ok := p.passwords.tickets[sha256.Sum256([]byte(text))]
	return ok && t.machine == machine && t.revision == s.Revision && p.Now().Before(t.ends)
}

// password checks a password and gives a ticket for it. wait is how long the
// machine has to wait before it may try (again); the password itself is kept and
// told nowhere.
func (p *Point) password(ctx context.Context, in api.Password) (t api.Ticket, wait time.Duration, failed *api.Error) {
	s := sealedPassword(p.Policy())
	if s == nil {
		return t, 0, api.Errorf(api.CodeRefused, "", "no PXE password is set at this box")
	}
	if n := len(in.Password); n == 0 || n > maxPassword {
		return t, 0, api.Errorf(api.CodeInvalid, "password", "%d bytes, want 1 to %d", n, maxPassword)
	}
	e := p.Evaluator()
	m := machine(in.Identity)
	computer, _ := e.Identify(m)
	key := machineKey(computer, m, &e.Snapshot().Settings)
	if key == "" {
		return t, 0, api.Errorf(api.CodeRefused, "", "nothing that the machine shows is its own: its addresses are of docks or dongles")
	}
	p.passwords.one.Lock()
	defer p.passwords.one.Unlock()
	if ctx.Err() != nil {
		return t, 0, api.Errorf(api.CodeUnavailable, "", "too many passwords are being checked")
	}
	ctx = context.WithoutCancel(ctx) // who hangs up does not get a try for nothing
	subjects := []string{allPasswords, allPasswords + ":" + key}
	if wait, err := p.waitTry(ctx, subjects); err != nil {
		return t, 0, internal(err)
	} else if wait > 0 {
		return t, wait, api.Errorf(api.CodeTooMany, "", "too many wrong passwords were given; the next may be tried in %s", wait.Round(time.Second))
	}
	right, err := p.checkPassword(*s, in.Password)
	if err == nil {
		err = p.noteTry(ctx, subjects, right, in.Identity)
	}
	switch {
	case err != nil:
		return t, 0, internal(err)
	case !right:
		return t, 0, api.Errorf(api.CodeForbidden, "", "the password is wrong")
	}
	return p.ticket(key, s.Revision)
}

// waitTry is the longest that one of the subjects has to wait.
func (p *Point) waitTry(ctx context.Context, subjects []string) (longest time.Duration, err error) {
	for _, subject := range subjects {
		wait, err := p.Store.WaitTry(ctx, subject, p.Now())
		if err != nil {
			return 0, err
		}
		longest = max(longest, wait)
	}
	return longest, nil
}

// noteTry keeps what became of a try before it is told.
func (p *Point) noteTry(ctx context.Context, subjects []string, right bool, id api.Identity) error {
	if !right {
		p.Log.Warn("wrong PXE password", "machine", identityText(id))
		return p.Store.WrongPassword(ctx, id.MACs[0], subjects, p.Now())
	}
	var errs []error
	for _, subject := range subjects {
		errs = append(errs, p.Store.NoteTry(ctx, subject, true, p.Now()))
	}
	return errors.Join(errs...)
}

func (p *Point) checkPassword(s policy.Sealed, password string) (bool, error) {
	if p.Unseal == nil {
		return false, errors.New("PXE password: the box cannot open what is sealed")
	}
	verifier, err := p.Unseal(s)
	if err != nil {
		return false, err
	}
	return trust.CheckPassword(string(verifier), password)
}

// ticket makes one for a machine.
func (p *Point) ticket(machine string, revision int64) (api.Ticket, time.Duration, *api.Error) {
	now := p.Now().UTC()
	p.passwords.mu.Lock()
	defer p.passwords.mu.Unlock()
	maps.DeleteFunc(p.passwords.tickets, func(_ [sha256.Size]byte, t ticket) bool { return !now.Before(t.ends) })
	if p.passwords.tickets == nil {
		p.passwords.tickets = map[[sha256.Size]byte]ticket{}
	}
	if len(p.passwords.tickets) >= maxTickets {
		return api.Ticket{}, time.Minute, api.Errorf(api.CodeTooMany, "", "too many machines were unlocked at once; try again in a minute")
	}
	text := rand.Text()
	t := ticket{machine, revision, now.Add(ticketLife)}
	p.passwords.tickets[sha256.Sum256([]byte(text))] = t
	return api.Ticket{Ticket: text, ExpiresAt: t.ends}, 0, nil
}

func (p *Point) servePassword(c call) (any, *api.Error) {
	var in api.Password
	err := read(c.r, &in)
	if err == nil {
		in.Identity, err = checkIdentity(in.Identity)
	}
	if err != nil {
		return nil, err
	}
	t, wait, err := p.password(c.r.Context(), in)
	if wait > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return answer(t, err)
}
