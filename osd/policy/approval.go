package policy

import (
	"strings"

	"github.com/bootward/bootward/osd"
)

// Proof is what a machine has shown besides its labels.
type Proof struct {
	// Password says that the person at the machine knew the box's PXE password.
	Password bool
	// TPM is the digest of the endorsement key that the machine proved to hold; empty
	// without one.
	TPM string
}

// Approval says why a person compares a code before a machine gets a job for an
// offer; empty when nobody is asked. Labels prove nothing, so machines that the site
// does not know, and sequences that use secrets, need a person, unless an
// administrator accepted exactly that. The PXE password stands in for the code
// unless the advertisement asks for one by name; the TPM that the site knows stands
// in for it where the computer is in doubt, never where it is unknown. A computer
// whose TPM is known, and that does not show it, needs a person whatever the
// advertisement says: its labels are shown by other hardware.
func (d *Decision) Approval(o *Offer, p Proof) string {
	switch {
	case d.ForeignTPM(p.TPM) && p.TPM == "":
		return "it does not prove the TPM that the site knows of this computer"
	case d.ForeignTPM(p.TPM):
		return "its TPM is another one than the site knows of this computer"
	case o.Advertisement.Approval == osd.ApprovalNone:
		return ""
	case o.Advertisement.Approval == osd.ApprovalRequired:
		return "the advertisement asks for approval"
	case p.Password:
		return ""
	}
	var why []string
	if d.Stranger() {
		why = append(why, "the site does not know the machine")
	}
	if len(o.Sequence.Secrets) > 0 && !o.secretsAccepted() && !d.ProvenTPM(p.TPM) {
		why = append(why, "the task sequence uses secrets")
	}
	return strings.Join(why, ", and ")
}

// Expected is what the computer's own hardware can show without a person.
func (d *Decision) Expected() Proof {
	if d.Computer == nil {
		return Proof{}
	}
	return Proof{TPM: d.Computer.TPM}
}

// ForeignTPM says whether the site knows the TPM of the computer, and what the
// machine proved is not it.
func (d *Decision) ForeignTPM(proven string) bool {
	return d.Computer != nil && d.Computer.TPM != "" && d.Computer.TPM != proven
}

// ProvenTPM says whether the machine is the computer whose TPM the site knows. One
// that is no more than provisional was approved for its first job, not for others.
func (d *Decision) ProvenTPM(proven string) bool {
	return !d.Stranger() && d.Computer.TPM != "" && d.Computer.TPM == proven
}

// Stranger says whether the site does not know the machine. One that became known
// by its own job counts as such until that job has succeeded.
func (d *Decision) Stranger() bool { return d.Computer == nil || d.Computer.Provisional }

// secretsAccepted says whether an administrator accepted that a machine gets the
// secrets which only showed its labels. The grant alone counts, which the agent and
// the audit log see: without one the box releases no secrets, and a run that began
// without a code would fail half-way.
func (o *Offer) secretsAccepted() bool { return o.Grant != nil && o.Grant.SecretsWithoutApproval }
