package policy

import (
	"strings"

	"github.com/bootward/bootward/osd"
)

// Approval says why a person compares a code before a machine gets a job for an
// offer; empty when nobody is asked. password says that the person at the machine
// knew the box's PXE password: it stands in for the code unless the advertisement
// asks for one by name. Labels prove nothing, so machines that the site does not
// know, and sequences that use secrets, need a person, unless an administrator
// accepted exactly that.
func (d *Decision) Approval(o *Offer, password bool) string {
	switch o.Advertisement.Approval {
	case osd.ApprovalNone:
		return ""
	case osd.ApprovalRequired:
		return "the advertisement asks for approval"
	}
	if password {
		return ""
	}
	var why []string
	if d.Stranger() {
		why = append(why, "the site does not know the machine")
	}
	if len(o.Sequence.Secrets) > 0 && !o.secretsAccepted() {
		why = append(why, "the task sequence uses secrets")
	}
	return strings.Join(why, ", and ")
}

// Stranger says whether the site does not know the machine. One that became known
// by its own job counts as such until that job has succeeded.
func (d *Decision) Stranger() bool { return d.Computer == nil || d.Computer.Provisional }

// secretsAccepted says whether an administrator accepted that a machine gets the
// secrets which only showed its labels. The grant alone counts, which the agent and
// the audit log see: without one the box releases no secrets, and a run that began
// without a code would fail half-way.
func (o *Offer) secretsAccepted() bool { return o.Grant != nil && o.Grant.SecretsWithoutApproval }
