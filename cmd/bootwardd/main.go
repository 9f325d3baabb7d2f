// Command bootwardd is the box, or a box as a service on any Linux host: PXE
// service point, management point, distribution point and the link to the
// site. All it does is in appliance; this is the wiring.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones of advertisements, on machines that have none

	"github.com/spf13/cobra"
)

// Set when the program is built: the version, and the time in RFC 3339. No
// certificate is checked at an earlier time than that.
var (
	version = "0.0.0-dev"
	built   = ""
)

// The exit codes of every Bootward program.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError marks a wrong command line.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(os.Stdout, os.Stderr).ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bootwardd:", err)
	stop()
	if errors.As(err, &usageError{}) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

func command(out, log io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "bootwardd", Short: "The Bootward box", SilenceUsage: true, SilenceErrors: true,
		Args: usageArgs(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(out)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serveCommand(log), checkCommand(), &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "bootwardd %s\n", version)
			return err
		},
	})
	return root
}

func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}
