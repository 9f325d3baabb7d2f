// Command bootward-agent runs deployments on targets: `boot` in the boot image,
// `resume` and `client` in the installed system. It only wires: see package agent.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Set when the program is built: the version, and the time in RFC 3339. No
// certificate is checked at an earlier time than that.
var (
	version = "0.0.0-dev"
	built   = ""
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "bootward-agent",
		Short:         "Bootward's agent on machines that are being deployed",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(bootCommand(), resumeCommand(), clientCommand(), inventoryCommand(), versionCommand(), leaderCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bootward-agent:", err)
		os.Exit(1)
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := version
			if info, ok := debug.ReadBuildInfo(); ok {
				text += " " + info.GoVersion
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
}
