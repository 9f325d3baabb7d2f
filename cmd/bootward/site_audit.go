package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
)

type siteAuditOptions struct {
	after             int64
	who, what, object string
	since             string
}

func newSiteAudit(a *app) *cobra.Command {
	var o siteAuditOptions
	c := &cobra.Command{Use: "audit", Short: "The audit log: who did what, when",
		Example: "  bootward site audit --since 2026-11-01 --who ann\n  bootward site audit --what grant --object ward7-pc1", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runSiteAudit(c.Context(), a, o) }}
	c.Flags().Int64Var(&o.after, "after", 0, "only entries behind this number")
	c.Flags().StringVar(&o.who, "who", "", "only what somebody did whose name holds this text")
	c.Flags().StringVar(&o.what, "what", "", "only this word, such as apply, grant or secret-released")
	c.Flags().StringVar(&o.object, "object", "", "only about objects whose name holds this text")
	c.Flags().StringVar(&o.since, "since", "", "only from this time on: a day, or a time with or without a zone (local)")
	return c
}

func runSiteAudit(ctx context.Context, a *app, o siteAuditOptions) error {
	since, err := osd.Moment(o.since).In(time.Local)
	if err != nil {
		return &usageError{fmt.Errorf("site audit: --since %q: give a day such as 2026-12-01, or a time such as 2026-12-01T18:00 (local) or 2026-12-01T18:00:00Z", o.since)}
	}
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
	all = slices.DeleteFunc(all, func(e api.AuditEntry) bool { return !o.wants(e, since) })
	return a.print(all, func(w io.Writer) error {
		t := newTable("NUMBER", "TIME", "WHO", "WHAT", "OBJECT", "TEXT")
		for _, e := range all {
			t.row(fmt.Sprint(e.Number), clock(e.Time), e.Who, e.What, e.Object, e.Text)
		}
		return t.write(w)
	})
}

func (o siteAuditOptions) wants(e api.AuditEntry, since time.Time) bool {
	holds := func(text, part string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(part)) }
	return holds(e.Who, o.who) && holds(e.Object, o.object) && (o.what == "" || e.What == o.what) && !e.Time.Before(since)
}
