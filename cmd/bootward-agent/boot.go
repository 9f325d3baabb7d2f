package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/agent"
	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/agent/contentfs"
	"github.com/bootward/bootward/trust/tpm"
)

func bootCommand() *cobra.Command {
	var conf agent.Config
	cmd := &cobra.Command{
		Use: "boot", Short: "Find the box and run what it has for this machine (in the boot image)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			terminals, err := openConsoles()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, terminals.close()) }()
			if err := complete(&conf); err != nil {
				return err
			}
			conf.Console, conf.Screen = console.New(terminals.in(), terminals.out(), agent.Uptime), true
			if _, err := os.Stat(shellProgram); err == nil {
				conf.Shell = terminals.shell
			}
			next, err := agent.Boot(cmd.Context(), conf)
			if e := os.WriteFile(filepath.Join(conf.Run, "next"), []byte(next+"\n"), 0o644); e != nil {
				err = errors.Join(err, e)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&conf.Run, "run", "/run/bootward", "folder in memory for the job and the tools")
	cmd.Flags().StringVar(&conf.Anchor, "anchor", "/etc/bootward/trust.json", "trust anchor of the site")
	return cmd
}

// complete fills in what is the same everywhere.
func complete(conf *agent.Config) error {
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return fmt.Errorf("read the kernel's command line: %w", err)
	}
	if conf.Executable, err = os.Executable(); err != nil {
		return err
	}
	conf.CommandLine, conf.Root, conf.Mount = string(line), "/", contentfs.Mount
	conf.TPM = func() (*tpm.Device, error) { return tpm.Open(tpm.DevicePath) }
	if built != "" {
		if conf.Built, err = time.Parse(time.RFC3339, built); err != nil {
			return fmt.Errorf("the build time of this program is wrong: %w", err)
		}
	}
	conf.Console = console.New(nil, os.Stdout, agent.Uptime)
	return nil
}
