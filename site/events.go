package site

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
	"github.com/bootward/bootward/trust/tpm"
)

// maxBatch is the most events of one batch that are taken at once.
const maxBatch = 5000

// TakeEvents keeps a batch of a box's outbox. Each number counts once: what
// was taken before is passed over; at a gap taking ends, and the box sends
// what is missing again. All of it is on disk when TakeEvents returns.
func (s *Site) TakeEvents(ctx context.Context, box string, in api.EventBatch) (*api.EventAck, error) {
	if len(in.Events) > maxBatch {
		return nil, api.Errorf(api.CodeInvalid, box, "%d events in one batch", len(in.Events)).WithRemedy("send at most %d", maxBatch)
	}
	var next, gone uint64
	arrived := false
	err := s.ingest.write(ctx, s.store, func(x store.Tx) error {
		next, gone, arrived = 0, 0, false
		b, err := x.Box(box)
		if err != nil {
			return err
		}
		if err := sameState(b, in.StateID); err != nil {
			return err
		}
		if next, err = x.NextEvent(box, in.StateID); err != nil {
			return err
		}
		fresh := freshEvents(in.Events, next)
		if gone, err = s.keepEvents(x, b, fresh); err != nil || len(fresh) == 0 {
			return err
		}
		next, arrived = next+uint64(len(fresh)), true
		return x.SetNextEvent(box, in.StateID, next)
	})
	if err != nil {
		return nil, err
	}
	if arrived {
		s.arrived.Notify()
	}
	if slices.ContainsFunc(in.Events, func(e api.BoxEvent) bool {
		return e.Discovered != nil && (e.Discovered.Known != nil || e.Discovered.TPM != "")
	}) {
		s.changes.wake() // boxes are to hear of computers that became known, and of TPMs
	}
	if gone > 0 {
		s.log.Warn("events are lost: the box does not keep them any more", "box", box, "events", gone)
	}
	return &api.EventAck{Next: next}, nil
}

// freshEvents are those of a batch that bear the next numbers, up to the first gap.
func freshEvents(batch []api.BoxEvent, next uint64) (fresh []api.BoxEvent) {
	for _, e := range batch {
		if e.Number > next {
			break
		}
		if e.Number == next {
			fresh = append(fresh, e)
			next++
		}
	}
	return fresh
}

// keepEvents keeps events, and counts those of which the box has the number only.
// Wrong ones are dropped.
func (s *Site) keepEvents(x store.Tx, b store.Box, events []api.BoxEvent) (gone uint64, err error) {
	for _, e := range events {
		if parts(e) == 0 {
			gone++
			continue
		}
		wrong := checkEvent(e)
		if wrong == nil {
			wrong, err = s.foreign(x, b, e)
		}
		if err == nil && wrong == nil {
			err = s.keepEvent(x, b, e)
		}
		if err != nil {
			return gone, err
		}
		if wrong != nil {
			s.log.Warn("event dropped", "box", b.ID, "number", e.Number, "error", wrong)
		}
	}
	return gone, nil
}

// foreign says why an event is not this box's to send: a job belongs to the box
// that reported it first, and no other may add to its history or end it.
func (s *Site) foreign(x store.Tx, b store.Box, e api.BoxEvent) (wrong, err error) {
	if e.Status == nil {
		return nil, nil
	}
	owner, err := x.JobBox(e.Status.Job)
	if errors.Is(err, store.ErrNotFound) || err == nil && owner == b.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return fmt.Errorf("job %q is of box %s", e.Status.Job, owner), nil
}

func (s *Site) keepEvent(x store.Tx, b store.Box, e api.BoxEvent) error {
	switch {
	case e.Status != nil:
		return x.AddMessage(b.ID, *e.Status)
	case e.Audit != nil:
		return s.boxAudit(x, b, *e.Audit)
	case e.Discovered != nil && e.Discovered.Known != nil:
		return s.becameKnown(x, b, *e.Discovered)
	case e.Discovered != nil:
		return s.discovered(x, b, *e.Discovered)
	}
	return x.AddFlight(b.ID, *e.Flight)
}

// boxAudit takes an entry of a box's audit log. What it says of grants counts
// for grants of that box only.
func (s *Site) boxAudit(x store.Tx, b store.Box, a api.AuditRecord) error {
	used := map[string]time.Time{auditGrantUsed: a.Time, auditGrantReturned: {}}
	if at, ok := used[a.What]; ok {
		if err := x.SetGrantUsed(a.Object, b.ID, at); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return x.AddAudit(store.AuditEntry{Time: a.Time, Who: fmt.Sprintf("box %s: %s", nameOf(x, osd.KindBox, b.ID), a.Who), What: a.What, Object: a.Object, Text: a.Text})
}

// The words of a box's audit log that say what became of grants.
const (
	auditGrantUsed     = "grant-used"
	auditGrantReturned = "grant-returned"
)

// discovered keeps what a computer that the box serves said of itself.
func (s *Site) discovered(x store.Tx, b store.Box, d api.Discovered) error {
	w, err := s.loadWorld(x)
	if err != nil {
		return err
	}
	c, ok := w.byID(osd.KindComputer, d.Computer).(*osd.Computer)
	box, there := w.byID(osd.KindBox, b.ID).(*osd.Box)
	if !ok || !there || !w.serves(box, c) {
		return nil // it was deleted, or went to another box
	}
	if d.TPM != "" && d.TPM != c.TPM {
		k := &known{site: s, x: x, w: w.asSite(), box: box, from: b, in: d, c: *c}
		return k.learnTPM(c)
	}
	return s.putInventory(x, w, b, c, d.Inventory)
}

// maxText bounds the texts of an event that are no output.
const maxText = 1024

// checkEvent says what is wrong with an event, and cuts long texts. A wrong one
// counts as taken, so that it does not stop those behind it for ever.
func checkEvent(e api.BoxEvent) error {
	switch {
	case parts(e) != 1:
		return errors.New("want exactly one of status, flight, audit and discovered")
	case e.Audit != nil:
		cut(maxText, &e.Audit.Who, &e.Audit.What, &e.Audit.Object, &e.Audit.Text)
		return checkTime(e.Audit.Time)
	case e.Discovered != nil:
		return checkInventory(e.Discovered)
	case e.Flight != nil:
		mac, err := osd.NormalizeMAC(e.Flight.Client)
		if err != nil {
			return err
		}
		e.Flight.Client = mac
		cut(maxText, &e.Flight.Job, &e.Flight.What, &e.Flight.Text)
		if b := e.Flight.Boot; b != nil {
			cut(maxText, &b.Firmware, &b.Transaction, &b.Interface, &b.Server, &b.Sender, &b.Address, &b.Class, &b.File, &b.Cause)
		}
		return nil
	case e.Status.Job == "" || len(e.Status.Job) > 64 || e.Status.Number == 0 || e.Status.Number > 1<<62:
		return errors.New("status message without job or number")
	}
	m := e.Status
	m.Output = status.Tail(m.Output, status.MaxOutput)
	cut(maxText, &m.Action, &m.Group, &m.Stage, &m.Computer, &m.Advertisement, &m.Sequence)
	return nil
}

// checkTime refuses a time that no clock shows. An entry of the audit log stays
// for ever: with a year of five digits nobody could read the log again, and the
// zero time says of a grant that it was given back.
func checkTime(at time.Time) error {
	if at.Unix() < 0 || at.UTC().Year() > 9999 {
		return fmt.Errorf("time %s is none that a clock shows", at.UTC().Format(time.RFC3339))
	}
	return nil
}

func parts(e api.BoxEvent) int {
	n := 0
	for _, there := range []bool{e.Status != nil, e.Flight != nil, e.Audit != nil, e.Discovered != nil} {
		if there {
			n++
		}
	}
	return n
}

// maxAdapters bounds the adapters and addresses of an inventory.
const maxAdapters = 64

func checkInventory(d *api.Discovered) error {
	m := &d.Inventory
	if d.Computer == "" || len(m.Adapters) > maxAdapters || len(m.IPAddresses) > maxAdapters {
		return errors.New("inventory without a computer, or with too many adapters")
	}
	if d.TPM != "" && (!tpm.IsDigest(d.TPM) || d.TPMWas != "" && !tpm.IsDigest(d.TPMWas)) {
		return fmt.Errorf("computer %q: %q is no digest of an endorsement key", d.Computer, d.TPM)
	}
	cut(maxText, &m.Manufacturer, &m.Model, &m.SerialNumber, &m.UUID, &m.AssetTag, &m.Chassis, &m.BIOS, &m.ProcessorModel, &m.Architecture)
	for i := range m.Adapters {
		cut(maxText, &m.Adapters[i].Name, &m.Adapters[i].MAC, &m.Adapters[i].Driver)
	}
	cutAll(m.IPAddresses)
	return checkKnown(d)
}

func cutAll(texts []string) {
	for i := range texts {
		cut(maxText, &texts[i])
	}
}

func cut(n int, texts ...*string) {
	for _, t := range texts {
		if len(*t) > n {
			*t = strings.ToValidUTF8((*t)[:n], "")
		}
	}
}
