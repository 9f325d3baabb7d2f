package site

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/status"
	"github.com/bootward/bootward/site/store"
)

// List lists the objects of a kind that a person may see, by name.
func (s *Site) List(ctx context.Context, who string, kind osd.Kind) (*api.ObjectList, error) {
	out := &api.ObjectList{Kind: string(kind), Objects: []json.RawMessage{}}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		found, err := x.Objects(kind)
		if kind == osd.KindAdvertisement {
			out.Warnings = w.misfitWarnings()
		}
		for _, o := range found {
			if w.can(osd.See, w.kinds[kind][o.Name]) {
				out.Objects = append(out.Objects, o.Document)
			}
		}
		return err
	})
	return out, err
}

// Get finds an object by name or ID.
func (s *Site) Get(ctx context.Context, who string, kind osd.Kind, nameOrID string) (json.RawMessage, error) {
	var o store.Object
	err := s.see(ctx, who, func(x store.Tx, w world) (err error) {
		if o, err = x.Object(kind, nameOrID); err != nil {
			return err
		}
		return w.need(osd.See, w.kinds[kind][o.Name])
	})
	if err != nil {
		return nil, err
	}
	return o.Document, nil
}

// Boxes is the state of every box that a person may see.
func (s *Site) Boxes(ctx context.Context, who string) ([]api.BoxState, error) {
	out := []api.BoxState{}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		objects, err := x.Objects(osd.KindBox)
		if err != nil {
			return err
		}
		enrolled, err := x.Boxes()
		if err != nil {
			return err
		}
		byID := map[string]store.Box{}
		for _, b := range enrolled {
			byID[b.ID] = b
		}
		for _, o := range objects {
			if !w.can(osd.See, w.kinds[osd.KindBox][o.Name]) {
				continue
			}
			b, ok := byID[o.ID]
			state := api.BoxState{ID: o.ID, Name: o.Name, Enrolled: ok, LastSeen: b.LastSeen}
			if b.CheckIn != nil {
				state.CheckIn = new(api.CheckIn)
				if err := json.Unmarshal(b.CheckIn, state.CheckIn); err != nil {
					return fmt.Errorf("check-in of box %s: %w", o.Name, err)
				}
			}
			out = append(out, state)
		}
		return nil
	})
	return out, err
}

// Messages is a page of status messages of computers that a person may see. The
// computer and the advertisement may be given by name or by ID. A page is empty
// only at the end.
func (s *Site) Messages(ctx context.Context, who string, f store.MessageFilter) (*api.Messages, error) {
	out := &api.Messages{Messages: []status.Message{}, Next: f.After}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		for len(out.Messages) == 0 {
			found, err := messagesByEither(x, f)
			if err != nil || len(found) == 0 {
				return err
			}
			for _, m := range found {
				if w.seesComputer(m.Message.Computer) {
					out.Messages = append(out.Messages, m.Message)
				}
				out.Next = m.Sequence
			}
			f.After = out.Next
		}
		return nil
	})
	return out, err
}

// messagesByEither looks for the keys as they are given, then for the name in
// place of the ID and the other way round.
func messagesByEither(x store.Tx, f store.MessageFilter) ([]store.StoredMessage, error) {
	for _, computer := range []string{f.Computer, otherKey(x, osd.KindComputer, f.Computer)} {
		for _, advertisement := range []string{f.Advertisement, otherKey(x, osd.KindAdvertisement, f.Advertisement)} {
			one := f
			one.Computer, one.Advertisement = computer, advertisement
			if found, err := x.Messages(one); err != nil || len(found) > 0 {
				return found, err
			}
		}
	}
	return nil, nil
}

// otherKey turns a name into an ID, or an ID into a name.
func otherKey(x store.Objects, kind osd.Kind, key string) string {
	o, err := x.Object(kind, key)
	switch {
	case err != nil:
		return key
	case o.Name == key:
		return o.ID
	}
	return o.Name
}

// nameOf turns an ID into a name, if there still is such an object.
func nameOf(x store.Objects, kind osd.Kind, key string) string {
	if o, err := x.Object(kind, key); err == nil {
		return o.Name
	}
	return key
}

// Jobs is every deployment that was reported of computers that a person may see,
// the newest first.
func (s *Site) Jobs(ctx context.Context, who string) ([]api.JobState, error) {
	out := []api.JobState{}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		jobs, err := w.jobs(x, store.JobFilter{})
		for _, j := range jobs {
			out = append(out, api.NewJobState(j))
		}
		return err
	})
	return out, err
}

// jobs are those of computers that the viewer may see, with names in place of IDs.
func (w world) jobs(x store.Tx, f store.JobFilter) ([]status.Job, error) {
	found, err := x.Jobs(f)
	return w.seenJobs(found), err
}

// seenJobs leaves out, of jobs that are given away, those that the viewer may not see.
func (w world) seenJobs(found []status.Job) []status.Job {
	boxes, advertisements := w.namesByID(osd.KindBox), w.namesByID(osd.KindAdvertisement)
	seen := found[:0]
	for _, j := range found {
		if w.seesComputer(j.Computer) {
			j.Box, j.Advertisement = cmp.Or(boxes[j.Box], j.Box), cmp.Or(advertisements[j.Advertisement], j.Advertisement)
			seen = append(seen, j)
		}
	}
	return seen
}

// namesByID are the names of the objects of a kind.
func (w world) namesByID(k osd.Kind) map[string]string {
	names := make(map[string]string, len(w.kinds[k]))
	for name, o := range w.kinds[k] {
		names[meta(o).ID] = name
	}
	return names
}

// Flight lists the newest flight events of a machine, or of all, that a person may
// see, oldest first.
func (s *Site) Flight(ctx context.Context, who, client string) ([]status.FlightEvent, error) {
	if client != "" {
		mac, err := osd.NormalizeMAC(client)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "client", "%v", err)
		}
		client = mac
	}
	out := []status.FlightEvent{}
	err := s.see(ctx, who, func(x store.Tx, w world) error {
		found, err := x.Flight(client, 10_000)
		sees := w.seesMAC()
		for _, e := range found {
			if sees(e.Client) {
				out = append(out, e)
			}
		}
		return err
	})
	return out, err
}

// seesMAC says of addresses whether the viewer may see what was recorded of them:
// he may see every computer that has the address. One that no computer has is for
// those who see every computer.
func (w world) seesMAC() func(mac string) bool {
	if w.everyComputer(osd.See) {
		return func(string) bool { return true }
	}
	known := map[string]bool{}
	for _, c := range all[*osd.Computer](w, osd.KindComputer) {
		macs, _ := labels(c)
		for _, m := range macs {
			before, ok := known[m]
			known[m] = w.can(osd.See, c) && (before || !ok)
		}
	}
	return func(mac string) bool { return known[mac] }
}

// AuditLog lists entries of the audit log with a number larger than after.
func (s *Site) AuditLog(ctx context.Context, after int64) ([]api.AuditEntry, error) {
	out := []api.AuditEntry{}
	err := s.store.Read(ctx, func(x store.Tx) error {
		found, err := x.AuditLog(after, 10_000)
		for _, e := range found {
			out = append(out, api.AuditEntry{Number: e.Number, Time: e.Time, Who: e.Who, What: e.What, Object: e.Object, Text: e.Text})
		}
		return err
	})
	return out, err
}
