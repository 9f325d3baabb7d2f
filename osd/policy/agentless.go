package policy

import "github.com/bootward/bootward/osd"

// Agentless says whether the boot image of an ID holds no agent: the box serves
// it, and hears nothing of what it does.
func (e *Evaluator) Agentless(bootImage string) bool {
	for i := range e.s.BootImages {
		if b := &e.s.BootImages[i]; b.ID == bootImage {
			return b.Agent == osd.AgentNone
		}
	}
	return false
}

// agentless is a sequence whose boot image holds no agent. It is offered as what a
// person may choose, and counts as run once its boot image was handed out, so that
// a machine that boots from the network first does not boot into it for ever.
// Nobody would claim a grant or mark a mandatory run.
func (q *question) agentless(seq *Sequence) (*Offer, string) {
	if why := AgentlessFault(seq.Destructive, q.a.IsMandatory()); why != "" {
		return nil, "the boot image of task sequence " + seq.Name + " holds no agent: " + why
	}
	return q.available(&Offer{Advertisement: q.a, Sequence: *seq, Agentless: true,
		Why: "available in collection " + q.a.Collection + "; its boot image holds no agent"})
}

// AgentlessFault says why a sequence cannot be advertised to machines that boot
// when its boot image holds no agent, "" if it can.
func AgentlessFault(destructive, mandatory bool) string {
	switch {
	case destructive:
		return "nobody claims a grant in it, so no sequence that erases a disk can name it"
	case mandatory:
		return "nobody reports from it, so nothing can be mandatory in it"
	}
	return ""
}
