package managementpoint

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/inventory"
	"github.com/bootward/bootward/osd/policy"
)

// namable says whether the machine has no name yet that others know: it is not
// known, or known to this box alone while none of its jobs has succeeded.
func namable(v Verdict) bool {
	return v.Computer == nil || v.Computer.Provisional && osd.Local(v.Computer.ID)
}

// askPerson says what the person at the machine is asked. A machine whose
// deployment starts by itself asks nothing.
func (p *Point) askPerson(answer *api.Offers, v Verdict, id api.Identity) {
	e := p.Evaluator()
	for i, o := range v.Offers {
		if o.Mandatory || !namable(v) || e == nil {
			continue
		}
		answer.AskReplaces = v.Computer == nil
		if !o.Advertisement.AskComputerName {
			continue
		}
		answer.Offers[i].AskName = true
		if template := e.NameTemplate(&v.Decision, o.Advertisement); template != "" {
			if name, err := policy.ExpandName(template, hardware(id)); err == nil {
				answer.Offers[i].SuggestedName = name
			}
		}
	}
}

// checkTyped refuses what a person typed and the box cannot take, before
// anything is done about the claim. The object of the error is the field: the
// person is asked again.
func (p *Point) checkTyped(ctx context.Context, v Verdict, o policy.Offer, c api.Claim) *api.Error {
	e := p.Evaluator()
	if c.Replaces != "" {
		old := e.Computer(c.Replaces)
		switch {
		case v.Computer != nil:
			return api.Errorf(api.CodeRefused, api.FieldReplaces, "the machine is known to the box").WithRemedy("say at the site whose place it takes: bootward association create")
		case old == nil || old.Obsolete || !strings.EqualFold(old.Name, c.Replaces):
			return api.Errorf(api.CodeRefused, api.FieldReplaces, "the box knows no computer %q", printable(fmt.Sprintf("%.63s", c.Replaces))).
				WithRemedy("give its name as it is at the site, or nothing")
		}
	}
	if c.Name == "" {
		return nil
	}
	switch {
	case o.Mandatory || !o.Advertisement.AskComputerName:
		return api.Errorf(api.CodeRefused, api.FieldName, "the advertisement asks for no computer name").WithRemedy("give none")
	case !namable(v):
		return api.Errorf(api.CodeRefused, api.FieldName, "the machine is known and has a name").WithRemedy("give none; it is renamed at the site")
	}
	if err := osd.CheckComputerName(c.Name); err != nil {
		return api.Errorf(api.CodeRefused, api.FieldName, "%s", printable(err.Error())).WithRemedy("give another name")
	}
	taken, err := p.taken(ctx, e, v, c.Name)
	switch {
	case err != nil:
		return internal(err)
	case taken != "":
		return api.Errorf(api.CodeRefused, api.FieldName, "computer name %q belongs to %s", c.Name, taken).WithRemedy("give another name")
	}
	return nil
}

// taken says who else has a name, "" if nobody at this box has.
func (p *Point) taken(ctx context.Context, e *policy.Evaluator, v Verdict, name string) (string, error) {
	if e.NameTaken(name, v.Computer) {
		return "another computer", nil
	}
	jobs, err := p.Store.OpenJobs(ctx)
	if err != nil {
		return "", err
	}
	for _, j := range jobs {
		if strings.EqualFold(j.Name, name) && j.Machine != v.Machine {
			return "the machine of job " + j.ID, nil
		}
	}
	return "", nil
}

// jobName is what a job's machine is called: the computer's name, or what the
// person typed, or one of the template, or one made of the MAC. It belongs to no
// other computer and to no other open job.
func (p *Point) jobName(ctx context.Context, e *policy.Evaluator, v Verdict, o policy.Offer, id api.Identity, typed string) (string, error) {
	if typed != "" && namable(v) {
		return typed, nil // checkTyped has looked at it
	}
	if v.Computer != nil {
		return v.Computer.Name, nil
	}
	template := e.NameTemplate(&v.Decision, o.Advertisement)
	if template == "" {
		return hostName(v.Computer, id, &e.Snapshot().Settings), nil
	}
	called, err := policy.ExpandName(template, hardware(id))
	if err != nil {
		return "", err
	}
	taken, err := p.taken(ctx, e, v, called)
	if err == nil && taken != "" {
		err = fmt.Errorf("computer name %q of template %q belongs to %s", called, template, taken)
	}
	return called, err
}

// nameError refuses a machine that has no name; where a person may give one, he is
// asked again.
func nameError(v Verdict, o policy.Offer, err error) *api.Error {
	if o.Advertisement.AskComputerName && !o.Mandatory && namable(v) {
		return api.Errorf(api.CodeRefused, api.FieldName, "%v", err).WithRemedy("give a name")
	}
	return api.Errorf(api.CodeRefused, o.Advertisement.ID, "%v", err).WithRemedy("correct the template of computer names at the site, or import the machine")
}

// hardware is what an identity says, as templates of names look at it.
func hardware(id api.Identity) inventory.Machine {
	return inventory.Machine{Manufacturer: id.Manufacturer, Model: id.Model, SerialNumber: id.SerialNumber, UUID: id.SMBIOSGUID, AssetTag: id.AssetTag, UEFI: id.UEFI}
}
