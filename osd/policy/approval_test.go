package policy

import (
	"strings"
	"testing"

	"github.com/bootward/bootward/osd"
)

// TestApproval is the ladder of trust: which claims a person approves.
func TestApproval(t *testing.T) {
	known, stranger := &osd.Computer{Meta: osd.Meta{ID: "C1"}}, &osd.Computer{Provisional: true}
	grant := func(accepted bool) *SignedGrant { return &SignedGrant{Grant: Grant{SecretsWithoutApproval: accepted}} }
	secrets := []string{"join-password"}
	pinned, local := &osd.Computer{Meta: osd.Meta{ID: "C2"}, TPM: "a"}, &osd.Computer{Meta: osd.Meta{ID: "local-1"}, TPM: "a", Provisional: true}
	for _, tt := range []struct {
		name     string
		computer *osd.Computer
		approval string
		accepted bool // by the advertisement
		secrets  []string
		grant    *SignedGrant
		password bool
		tpm      string // that the machine proved
		want     string // part of why; empty: nobody is asked
	}{
		{name: "known, under a grant", computer: known, grant: grant(false)},
		{name: "known, available", computer: known},
		{name: "not known", want: "does not know"},
		{name: "known by its own job only", computer: stranger, want: "does not know"},
		{name: "not known, secrets accepted", secrets: secrets, accepted: true, want: "does not know"},
		{name: "not known, secrets", secrets: secrets, want: "does not know the machine, and the task sequence uses secrets"},
		{name: "known, secrets under a grant", computer: known, secrets: secrets, grant: grant(false), want: "uses secrets"},
		{name: "known, secrets accepted by the grant", computer: known, secrets: secrets, grant: grant(true)},
		{name: "the advertisement does not speak for a grant", computer: known, secrets: secrets, accepted: true, grant: grant(false), want: "uses secrets"},
		{name: "known, secrets, available", computer: known, secrets: secrets, want: "uses secrets"},
		{name: "the advertisement does not speak without a grant", computer: known, secrets: secrets, accepted: true, want: "uses secrets"},
		{name: "none", approval: osd.ApprovalNone, secrets: secrets},
		{name: "required", computer: known, approval: osd.ApprovalRequired, grant: grant(true), want: "asks for approval"},
		{name: "password, not known", secrets: secrets, password: true},
		{name: "TPM, secrets", computer: pinned, secrets: secrets, tpm: "a"},
		{name: "TPM, required", computer: pinned, approval: osd.ApprovalRequired, tpm: "a", want: "asks for approval"},
		{name: "TPM that the site does not know, secrets", computer: known, secrets: secrets, tpm: "a", want: "uses secrets"},
		{name: "TPM of an unknown machine", tpm: "a", want: "does not know"},
		{name: "TPM, provisional", computer: local, secrets: secrets, tpm: "a", want: "does not know the machine, and the task sequence uses secrets"},
		{name: "another TPM", computer: pinned, grant: grant(true), tpm: "b", want: "another one"},
		{name: "no TPM where there was one", computer: pinned, grant: grant(true), want: "does not prove"},
		{name: "another TPM, none", computer: pinned, approval: osd.ApprovalNone, tpm: "b", want: "another one"},
		{name: "another TPM, password", computer: pinned, password: true, tpm: "b", want: "another one"},
		{name: "another TPM, provisional, none", computer: local, approval: osd.ApprovalNone, tpm: "b", want: "another one"},
		{name: "password, required", computer: known, approval: osd.ApprovalRequired, password: true, want: "asks for approval"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &Decision{Computer: tt.computer}
			o := &Offer{Advertisement: osd.Advertisement{Approval: tt.approval, SecretsWithoutApproval: tt.accepted}, Sequence: Sequence{Secrets: tt.secrets}, Grant: tt.grant}
			if got := d.Approval(o, Proof{Password: tt.password, TPM: tt.tpm}); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
