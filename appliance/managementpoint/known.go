package managementpoint

import (
	"context"
	"slices"
	"sync"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// prepared is the evaluator of the policy in force and of what the box learned
// by itself. The zero value is ready.
type prepared struct {
	mu        sync.Mutex
	evaluator *policy.Evaluator // of the snapshot that it was made from
	known     uint64            // store.KnownChange that it was made at
}

// Evaluator is the policy in force with the computers that became known here,
// prepared; nil before there is one, and while the box's memory cannot be read.
func (p *Point) Evaluator() *policy.Evaluator {
	e, err := p.evaluator(context.Background())
	if err != nil {
		p.Log.Error("computers that became known here cannot be read", "error", err)
		return nil
	}
	return e
}

// evaluator prepares what decisions are made by, when policy or what the box
// learned has changed. What the box remembers of a machine that policy has come
// to know goes over to the site's ID first: nothing is decided between the two.
func (p *Point) evaluator(ctx context.Context) (*policy.Evaluator, error) {
	p.prepared.mu.Lock()
	defer p.prepared.mu.Unlock()
	s := p.Policy()
	if s == nil {
		return nil, nil
	}
	for {
		change := p.Store.KnownChange()
		if e := p.prepared.evaluator; e != nil && e.Snapshot() == s && p.prepared.known == change {
			return e, nil
		}
		e, merges, forget, err := p.prepare(ctx, s)
		if err != nil {
			return nil, err
		}
		if len(merges)+len(forget) == 0 {
			p.prepared.evaluator, p.prepared.known = e, change
			return e, nil
		}
		if err := p.Store.Adopt(ctx, merges, forget, p.Now()); err != nil {
			return nil, err
		}
		p.Log.Info("computers that became known here are known to the site", "computers", len(merges), "settled", len(forget))
	}
}

// prepare makes an evaluator, and says which computers that became known here the
// site knows now, and which need not be remembered any longer: policy says that they
// are provisional no longer, or does not hold them.
func (p *Point) prepare(ctx context.Context, s *policy.Snapshot) (e *policy.Evaluator, merges map[string]string, forget []string, err error) {
	computers, err := p.Store.Computers(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	local := policy.Local{Confirmed: map[string]bool{}}
	if local.Inventory, err = p.Store.Inventories(ctx); err != nil {
		return nil, nil, nil, err
	}
	for _, c := range computers {
		if c.Merged == "" {
			local.Computers = append(local.Computers, c.Computer)
		} else if at := recordOf(s, c.Merged); at != nil && !c.Provisional {
			local.Confirmed[at.ID] = true
		}
	}
	e, merges = policy.New(s, local), map[string]string{}
	for _, c := range computers {
		if c.Merged != "" {
			if at := recordOf(s, c.Merged); at == nil || !at.Provisional {
				forget = append(forget, c.ID)
			}
		} else if to := e.Successor(c.Computer); to != nil {
			merges[c.ID] = to.ID
		}
	}
	return e, merges, forget, nil
}

// recordOf is the computer of an ID in policy, or the one that its record was
// merged into; nil if it was deleted.
func recordOf(s *policy.Snapshot, id string) *osd.Computer {
	i := slices.IndexFunc(s.Computers, func(c osd.Computer) bool { return c.ID == id || slices.Contains(c.Former, id) })
	if i < 0 {
		return nil
	}
	return &s.Computers[i]
}

// becomesKnown says whose job it is: that of the computer, or of the one that the
// machine becomes by it. A provisional one that a person names anew keeps its ID.
func (p *Point) becomesKnown(j *store.Job, v Verdict, c api.Claim, s *policy.Snapshot) {
	j.Labels, j.Stranger = v.Labels, v.Computer == nil || v.Computer.Provisional
	if v.Computer == nil {
		known := osd.Computer{Meta: osd.Meta{ID: osd.LocalPrefix + newJobID(), Name: j.Name}, SMBIOSGUID: s.Settings.GUID(c.Identity.SMBIOSGUID), Box: p.Self().BoxName, Provisional: true}
		for _, m := range c.Identity.MACs {
			if !s.Settings.Shared(m) && !slices.Contains(known.MACs, m) {
				known.MACs = append(known.MACs, m)
			}
		}
		j.Known = &api.Known{Computer: known, Replaces: c.Replaces}
		j.Computer, j.Machine = known.ID, "computer:"+known.ID
		j.Labels = append(j.Labels, v.Machine)
		return
	}
	j.Computer = v.Computer.ID
	if c.Name != "" && namable(v) && c.Name != v.Computer.Name {
		known := *v.Computer
		known.Name = c.Name
		j.Known = &api.Known{Computer: known, Was: v.Computer.Name}
	}
}

// labelKeys are the keys, other than machineKey, under which a machine may have
// had jobs before it was known so: its own GUID and MACs and those of its
// computer, and the records that were merged into it.
func labelKeys(c *osd.Computer, m policy.Machine, s *osd.SiteSettings) []string {
	guids, macs := []string{m.SMBIOSGUID}, slices.Clone(m.MACs)
	if c != nil {
		guids, macs = append(guids, c.SMBIOSGUID), append(macs, c.MACs...)
	}
	var keys []string
	add := func(key string) {
		if key != machineKey(c, m, s) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	if c != nil {
		for _, id := range c.Former {
			add("computer:" + id)
		}
	}
	for _, g := range guids {
		if n := s.GUID(g); n != "" {
			add("guid:" + n)
		}
	}
	for _, a := range macs {
		if n, err := osd.NormalizeMAC(a); err == nil && !s.Shared(n) {
			add("mac:" + n)
		}
	}
	return keys
}
