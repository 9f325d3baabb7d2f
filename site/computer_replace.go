package site

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/site/store"
)

// ReplaceLabels gives a computer the labels of a new network card or motherboard.
// Labels that belong to another computer are refused. Grants hold the labels of
// the day they were issued.
func (s *Site) ReplaceLabels(ctx context.Context, who, name string, in api.Replace) (*api.Applied, error) {
	return s.carry(ctx, who, in.DryRun, func(x store.Tx, w world) (*plan, error) {
		was, ok := w.look(osd.KindComputer, name).(*osd.Computer)
		if !ok {
			return nil, notThere(osd.KindComputer, name)
		}
		c, err := relabel(was, in)
		if err != nil {
			return nil, err
		}
		p := makePlan(w, []written{{Object: c, file: "replace"}})
		if p.forbidden {
			return nil, problem(p.errs, api.CodeForbidden)
		}
		if len(p.errs) > 0 {
			return nil, problem(p.errs, api.CodeConflict).WithRemedy("if both are one machine: bootward computer merge; if not, correct the other one")
		}
		open, err := s.openGrants(x)
		if err != nil {
			return nil, err
		}
		w.noteReplaced(p.steps[0], c, open[c.ID])
		if p.steps[0].action == actionUnchanged {
			return p, nil
		}
		p.last = func() error {
			return s.audit(x, who, "replace", title(c), fmt.Sprintf("MAC %s, GUID %s, TPM %s; it was MAC %s, GUID %s, TPM %s",
				strings.Join(c.MACs, " "), c.SMBIOSGUID, cmp.Or(c.TPM, api.NoTPM), strings.Join(was.MACs, " "), was.SMBIOSGUID, cmp.Or(was.TPM, api.NoTPM)))
		}
		return p, nil
	})
}

// noteReplaced says what follows of new labels.
func (w world) noteReplaced(s *step, c *osd.Computer, open int) {
	settings := w.settings()
	macs, _ := labels(c)
	for _, m := range macs {
		if settings.Shared(m) {
			s.note("%s is among the shared addresses of the site: it identifies nobody", m)
		}
	}
	if open > 0 && s.action != actionUnchanged {
		s.note("%d grants that were not used hold the old labels, and the machine will refuse them; grant again: bootward advertisement grant NAME --computer %s --machines 1", open, c.Name)
	}
}

// relabel is a computer with its new labels.
func relabel(was *osd.Computer, in api.Replace) (*osd.Computer, error) {
	c := *was
	macs, guid := in.MACs, in.SMBIOSGUID
	if len(macs) == 0 && guid == "" && in.TPM == "" {
		return nil, api.Errorf(api.CodeInvalid, title(was), "no new label is given").WithRemedy("give the new addresses, the new GUID, or the new TPM")
	}
	if guid == api.NoGUID {
		c.SMBIOSGUID = ""
	} else if guid != "" {
		n, err := osd.NormalizeGUID(guid)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "guid", "%v", err).WithRemedy("give 32 hexadecimal digits, or %s", api.NoGUID)
		}
		c.SMBIOSGUID = n
		if _, before := labels(was); n != before {
			c.TPM = "" // it goes with its motherboard
		}
	}
	if in.TPM == api.NoTPM {
		c.TPM = ""
	} else if in.TPM != "" {
		c.TPM = in.TPM
	}
	if len(macs) == 0 && len(in.OldMACs) > 0 {
		return nil, api.Errorf(api.CodeInvalid, "mac", "old addresses are named, and no new ones").WithRemedy("give the new addresses as well")
	}
	if len(macs) > 0 {
		kept, err := without(was, in.OldMACs)
		if err != nil {
			return nil, err
		}
		c.MACs = kept
	}
	for _, m := range macs {
		n, err := osd.NormalizeMAC(m)
		if err != nil {
			return nil, api.Errorf(api.CodeInvalid, "mac", "%v", err).WithRemedy("give six bytes in hexadecimal, such as 52:54:00:12:34:56")
		}
		if have, _ := labels(&c); !slices.Contains(have, n) {
			c.MACs = append(c.MACs, n)
		}
	}
	if err := c.Validate(); err != nil {
		return nil, api.Errorf(api.CodeInvalid, title(was), "%v", err)
	}
	return &c, nil
}

// without are the addresses of a computer that stay: none, or all but the old
// ones.
func without(c *osd.Computer, old []string) ([]string, error) {
	if len(old) == 0 {
		return nil, nil
	}
	kept := slices.Clone(c.MACs)
	for _, o := range old {
		n, err := osd.NormalizeMAC(o)
		i := slices.IndexFunc(kept, func(m string) bool { k, err := osd.NormalizeMAC(m); return err == nil && k == n })
		if err != nil || i < 0 {
			return nil, api.Errorf(api.CodeInvalid, title(c), "it has no address %s", o).WithRemedy("it has %s", strings.Join(c.MACs, ", "))
		}
		kept = slices.Delete(kept, i, i+1)
	}
	return kept, nil
}

func (s *Site) postReplace(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.Replace
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.ReplaceLabels(r.Context(), c.person, r.PathValue("name"), in)
	return answer(w, out, err)
}
