package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
)

type applyOptions struct {
	files  []string
	dryRun bool
}

func newApply(a *app) *cobra.Command {
	var o applyOptions
	c := &cobra.Command{Use: "apply -f FILE|DIR", Short: "Put objects of YAML files in place, all or none", GroupID: taskObjects,
		Example: "  bootward apply -f examples/ward --dry-run", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return runApply(c.Context(), a, o) }}
	c.Flags().StringArrayVarP(&o.files, "file", "f", nil, "a YAML file, or a folder of *.yaml and *.yml; may be given more than once")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	return c
}

func runApply(ctx context.Context, a *app, o applyOptions) error {
	if len(o.files) == 0 {
		return &usageError{fmt.Errorf("apply: give -f FILE or -f DIR")}
	}
	in := api.Apply{DryRun: o.dryRun}
	for _, f := range o.files {
		docs, err := readDocuments(f)
		if err != nil {
			return fmt.Errorf("apply: %w", err)
		}
		in.Documents = append(in.Documents, docs...)
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.Apply(ctx, in)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return printApplied(w, out) })
}

func readDocuments(path string) ([]api.Document, error) {
	var docs []api.Document
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := strings.ToLower(filepath.Ext(name))
		if name != path && ext != ".yaml" && ext != ".yml" {
			return nil
		}
		b, err := os.ReadFile(name)
		docs = append(docs, api.Document{File: name, YAML: string(b)})
		return err
	})
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%s: holds no *.yaml file", path)
	}
	return docs, err
}

func printApplied(w io.Writer, out api.Applied) error {
	count := map[string]int{}
	for _, c := range out.Changes {
		count[c.Action]++
		if _, err := fmt.Fprintf(w, "%-9s  %s %q  %s\n", c.Action, c.Kind, plain(c.Name), c.ID); err != nil {
			return err
		}
		for _, n := range c.Notes {
			if _, err := fmt.Fprintf(w, "           %s\n", plain(n)); err != nil {
				return err
			}
		}
	}
	end := "done"
	if out.DryRun {
		end = "nothing was changed (dry run)"
	}
	_, err := fmt.Fprintf(w, "%d to create, %d to update, %d unchanged: %s\n", count["create"], count["update"], count["unchanged"], end)
	return err
}
