package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd/policy"
	"github.com/bootward/bootward/trust"
)

// TestApprovalAtTheSite goes the whole way: a machine with a grant claims what
// needs approval, the box tells its site and its console, a person at the site
// approves, the order travels in the policy, and the job opens.
func TestApprovalAtTheSite(t *testing.T) {
	r := newRig(t)
	change := strings.Replace(ward[strings.Index(ward, "kind: Advertisement"):], "name: Install\n", "name: Install\napproval: required\n", 1)
	if _, err := r.site.Apply(t.Context(), "ann", api.Apply{AcceptMissing: true, Documents: []api.Document{{File: "x.yaml", YAML: change}}}); err != nil {
		t.Fatal(err)
	}
	console := r.startBox()
	r.ready()
	m := r.target(mac1, guid)
	adv := mandatory(t, m)
	csr, err := trust.NewCSR(m.key)
	if err != nil {
		t.Fatal(err)
	}
	claim := func() (c api.Claimed, failed error) {
		code, text := m.call(api.RouteClaim, api.Claim{Identity: m.id, Advertisement: adv, CSR: csr}, &c)
		if code != http.StatusOK {
			failed = fmt.Errorf("%d %s", code, text)
		}
		return c, failed
	}
	first, err := claim()
	if err != nil || first.Pending == nil || first.Job != "" {
		t.Fatalf("claim: %+v, %v", first, err)
	}
	var code string
	r.eventually("the machine at the site", func() error {
		all, err := r.site.Pending(t.Context(), "ann")
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("%d machines wait", len(all))
		}
		if err == nil {
			code = all[0].Code
		}
		return err
	})
	r.eventually("the code on the console", func() error {
		if !strings.Contains(console.String(), code+"  ward7-pc1") {
			return errors.New(console.String())
		}
		return nil
	})
	if _, err := r.site.DecideApproval(t.Context(), "ann", code, api.SiteDecision{Decision: policy.OrderApprove}); err != nil {
		t.Fatal(err)
	}
	r.eventually("the job", func() error {
		c, err := claim()
		if err == nil && c.Job == "" {
			err = errors.New("the machine still waits")
		}
		return err
	})
	r.eventually("the audit entry of the box", func() error {
		var text string
		log, err := r.site.AuditLog(t.Context(), 0)
		for _, e := range log {
			text += e.Who + " " + e.What + "\n"
		}
		if err == nil && !strings.Contains(text, "box ward7-box: ann approve") {
			err = errors.New(text)
		}
		return err
	})
	r.eventually("nobody waits any more", func() error {
		all, err := r.site.Pending(t.Context(), "ann")
		if err == nil && len(all) != 0 {
			err = fmt.Errorf("%+v", all)
		}
		return err
	})
}
