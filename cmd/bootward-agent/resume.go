package main

import (
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/agent"
)

func resumeCommand() *cobra.Command {
	var conf agent.Config
	cmd := &cobra.Command{
		Use: "resume", Short: "Go on with the job in the installed system", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := complete(&conf, false); err != nil {
				return err
			}
			next, err := agent.Resume(cmd.Context(), conf)
			if err != nil || next != agent.NextReboot {
				return err
			}
			return exec.CommandContext(cmd.Context(), "systemctl", "reboot").Run()
		},
	}
	cmd.Flags().StringVar(&conf.Run, "run", "/run/bootward", "folder in memory")
	return cmd
}
