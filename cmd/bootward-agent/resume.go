package main

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/agent"
	"github.com/bootward/bootward/agent/machine"
)

func resumeCommand() *cobra.Command {
	var conf agent.Config
	cmd := &cobra.Command{
		Use: "resume", Short: "Go on with the job in the installed system", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := complete(&conf); err != nil {
				return err
			}
			next, err := agent.Resume(cmd.Context(), conf)
			if err != nil {
				return err
			}
			return follow(cmd.Context(), next)
		},
	}
	cmd.Flags().StringVar(&conf.Run, "run", "/run/bootward", "folder in memory")
	return cmd
}

// follow does in the installed system what follows a job.
func follow(ctx context.Context, next agent.Next) error {
	var args []string
	switch next {
	case agent.NextReboot:
		args = []string{"reboot"}
	case agent.NextClient:
		args = []string{"start", "--no-block", machine.ClientService}
	default:
		return nil
	}
	if out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", args[0], err, out)
	}
	return nil
}
