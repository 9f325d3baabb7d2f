package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/computercsv"
)

type importComputersOptions struct {
	in      api.ComputerImport
	columns []string
}

func newComputerImport(a *app) *cobra.Command {
	var o importComputersOptions
	c := &cobra.Command{Use: "import FILE.csv", Short: "Import computers from a CSV file, all or none",
		Long: "Columns may stand in any order; usual names of headers are known. Without a header the columns are guessed of\n" +
			"the first row, or named with --columns: name, mac, guid, source, box, comment, var:NAME, and - for one that is\nnot read. A source becomes a computer association. While a row is bad nothing is imported.",
		Example: "  bootward computer import pcs.csv --preview\n  bootward computer import pcs.csv --collection \"Ward 7\" --skip-bad\n  bootward computer import list.csv --columns name,-,mac",
		Args:    exactly("FILE.csv"),
		RunE:    func(c *cobra.Command, args []string) error { return runComputerImport(c.Context(), a, o, args[0]) }}
	c.Flags().StringSliceVar(&o.columns, "columns", nil, "what the columns are, where the file has no header")
	c.Flags().StringVar(&o.in.Collection, "collection", "", "make the computers direct members of this collection")
	c.Flags().StringVar(&o.in.Box, "box", "", "the box that serves those that name none")
	c.Flags().BoolVar(&o.in.SkipBad, "skip-bad", false, "import the good rows although others are bad")
	c.Flags().BoolVar(&o.in.DryRun, "preview", false, "show what would be imported, and import nothing")
	complete(c, "collection", a.names(osd.KindCollection))
	complete(c, "box", a.names(osd.KindBox))
	return c
}

// maxCSV is the largest file that the site takes.
const maxCSV = 64 << 20

func runComputerImport(ctx context.Context, a *app, o importComputersOptions, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCSV+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if len(text) > maxCSV {
		return fmt.Errorf("%s: has more than %s; split it", file, bytesText(maxCSV))
	}
	// JSON carries UTF-8 only.
	in := o.in
	in.File, in.Columns = file, o.columns
	if in.CSV, err = computercsv.Text(text); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	out, err := s.ImportComputers(ctx, in)
	if err != nil {
		return err
	}
	if err := a.print(out, func(w io.Writer) error { return printComputers(w, file, out) }); err != nil {
		return err
	}
	if out.Refused && !in.DryRun {
		return api.Errorf(api.CodeRefused, file, "%s: nothing was imported", badRows(out)).WithRemedy("correct them, or leave them out with --skip-bad")
	}
	return nil
}

// badRows counts the rows that are bad: all but those of the plan.
func badRows(out api.ComputerImported) string {
	n := out.Rows - out.Created - out.Updated - out.Unchanged
	if n == 1 {
		return "1 row is bad"
	}
	return fmt.Sprintf("%d rows are bad", n)
}

func printComputers(w io.Writer, file string, out api.ComputerImported) error {
	for _, b := range out.Bad {
		if _, err := fmt.Fprintln(w, plain(fmt.Sprintf("%s:%d: %s: %s (%s)", file, b.Line, b.Column, b.What, b.Remedy))); err != nil {
			return err
		}
	}
	t := newTable("NAME", "MACS", "GUID", "BOX", "COMMENT")
	for _, c := range out.Preview {
		t.row(c.Name, strings.Join(c.MACs, " "), c.SMBIOSGUID, c.Box, c.Comment)
	}
	if err := t.write(w); err != nil {
		return err
	}
	lines := []string{fmt.Sprintf("columns: %s", strings.Join(out.Columns, ", "))}
	for _, n := range out.Notes {
		lines = append(lines, "note: "+n)
	}
	end := "done"
	if out.DryRun || out.Refused {
		end = "nothing was imported"
	}
	return printLines(w, append(lines, fmt.Sprintf("%d to create, %d to update, %d unchanged: %s", out.Created, out.Updated, out.Unchanged, end)))
}
