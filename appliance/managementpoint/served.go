package managementpoint

import (
	"context"
	"fmt"
	"slices"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/osd/status"
)

// Served notes that a machine has got the whole of a boot image in which no agent
// runs: the advertisement that it was offered for counts as run, without ever having
// been a job that runs. A boot image that was not offered changes nothing.
func (p *Point) Served(ctx context.Context, m policy.Machine, bootImage string) error {
	p.claims.Lock()
	defer p.claims.Unlock()
	v, err := p.Decide(ctx, m)
	if err != nil || v.Machine == "" {
		return err
	}
	i := slices.IndexFunc(v.Offers, func(o policy.Offer) bool { return o.Agentless && o.Sequence.BootImage == bootImage })
	if i < 0 {
		return nil
	}
	o, now := v.Offers[i], p.Now().UTC()
	id := newJobID()
	j := store.Job{ID: id, Machine: v.Machine, Client: m.MACs[0], Sequence: o.Sequence.Name, Key: "served " + id, Opened: now,
		Identity: api.Identity{MACs: m.MACs, SMBIOSGUID: m.SMBIOSGUID},
		Document: api.Job{Format: 1, ID: id, Advertisement: o.Advertisement.ID, AdvertName: o.Advertisement.Name, Sequence: o.Sequence, Opened: now}}
	if v.Computer != nil {
		j.Computer, j.Name = v.Computer.ID, v.Computer.Name
	}
	text := fmt.Sprintf("%s: its boot image was handed out whole; no agent reports from it. The machine gets it again after its PXE mark is cleared", o.Advertisement.Name)
	return p.Store.MarkRun(ctx, j, status.FlightEvent{Time: now, Client: j.Client, What: status.FlightServed, Text: text})
}

// withoutAgentless takes away what no agent can claim: an agent runs in another
// boot image.
func (v *Verdict) withoutAgentless() {
	v.Offers = slices.DeleteFunc(slices.Clone(v.Offers), func(o policy.Offer) bool {
		if o.Agentless {
			v.Refusals = append(slices.Clone(v.Refusals), policy.Refusal{Advertisement: o.Advertisement.Name, Why: "its boot image holds no agent: the machine boots into it by PXE"})
		}
		return o.Agentless
	})
}
