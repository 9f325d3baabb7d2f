package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
)

type siteAuditOptions struct{ after int64 }

func newSiteAudit(a *app) *cobra.Command {
	var o siteAuditOptions
	c := &cobra.Command{Use: "audit", Short: "The audit log: who did what, when",
		Example: "  bootward site audit --after 120", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runSiteAudit(c.Context(), a, o) }}
	c.Flags().Int64Var(&o.after, "after", 0, "only entries behind this number")
	return c
}

func runSiteAudit(ctx context.Context, a *app, o siteAuditOptions) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	all := []api.AuditEntry{}
	for after := o.after; ; {
		page, err := s.Audit(ctx, after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		all, after = append(all, page...), page[len(page)-1].Number
	}
	return a.print(all, func(w io.Writer) error {
		t := newTable("NUMBER", "TIME", "WHO", "WHAT", "OBJECT", "TEXT")
		for _, e := range all {
			t.row(fmt.Sprint(e.Number), clock(e.Time), e.Who, e.What, e.Object, e.Text)
		}
		return t.write(w)
	})
}
