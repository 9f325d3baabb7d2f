package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

// completionPatience is how long a shell that completes a name waits for the site.
const completionPatience = 2 * time.Second

// names completes the first argument, or a flag, with the names of the objects
// of a kind. Without a site there is nothing to offer, and nothing is said.
func (a *app) names(k osd.Kind) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		parent := c.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, completionPatience)
		defer cancel()
		s, err := a.site()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		l, err := s.List(ctx, string(k))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var out []cobra.Completion
		if k == osd.KindCollection && c.Name() != "delete" && c.Name() != "import" {
			out = append(out, cobra.CompletionWithDesc(osd.AllSystems, "every known computer"), cobra.CompletionWithDesc(osd.UnknownComputers, "machines that the site does not know"))
		}
		for _, raw := range l.Objects {
			var o osd.Meta
			if json.Unmarshal(raw, &o) == nil {
				out = append(out, cobra.CompletionWithDesc(o.Name, o.ID))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// words completes with words that do not change.
func words(all ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
}

// complete gives a flag its completion. It panics when there is no such flag,
// which every test that builds the commands would show.
func complete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	err := c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return f(c, nil, start)
	})
	if err != nil {
		panic(err)
	}
}
