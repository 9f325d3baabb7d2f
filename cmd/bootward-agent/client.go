package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/agent"
	"github.com/bootward/bootward/agent/client"
	"github.com/bootward/bootward/api"
)

func clientCommand() *cobra.Command {
	var conf agent.Config
	cmd := &cobra.Command{
		Use: "client", Short: "Run what the box has for this machine while it is at work (in the installed system)", Args: cobra.NoArgs,
		Long: `Stay resident: ask the box what there is for this machine, tell people who are signed in what is coming, and run it.
The service bootward-client.service does that. The verbs below are for people at the machine, as root.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resident(&conf)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(os.Stderr, nil))
			next, err := r.Run(cmd.Context(), client.NewPeople(client.SessionFolder, "/dev"), log)
			if err != nil {
				return err
			}
			return follow(cmd.Context(), next)
		},
	}
	cmd.PersistentFlags().StringVar(&conf.Run, "run", "/run/bootward", "folder in memory")
	cmd.AddCommand(clientListCommand(&conf), clientRunCommand(&conf))
	return cmd
}

func resident(conf *agent.Config) (*agent.Resident, error) {
	if err := complete(conf); err != nil {
		return nil, err
	}
	return agent.NewResident(*conf)
}

func clientListCommand(conf *agent.Config) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List what this machine may run now, and what it is going to run", Args: cobra.NoArgs,
		Example: "  bootward-agent client list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resident(conf)
			if err != nil {
				return err
			}
			offers, err := r.Ask(cmd.Context(), "")
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(offers)
			}
			list(cmd.OutOrStdout(), offers)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// list prints offers for people.
func list(w io.Writer, o api.Offers) {
	for _, one := range o.Offers {
		how := "available"
		if one.Mandatory {
			how = "mandatory"
		}
		fmt.Fprintf(w, "%-12s  %-9s  %s: %s\n", one.Advertisement, how, one.Name, one.Sequence)
	}
	for _, u := range o.Upcoming {
		fmt.Fprintf(w, "%-12s  %-9s  %s: by itself at %s\n", u.Advertisement, "upcoming", u.Name, u.At.Local().Format(time.DateTime))
	}
	if len(o.Offers) == 0 {
		fmt.Fprintln(w, "nothing can be run on this machine now")
		for _, why := range o.Why {
			fmt.Fprintln(w, "  "+why)
		}
	}
}

func clientRunCommand(conf *agent.Config) *cobra.Command {
	var a answers
	cmd := &cobra.Command{
		Use: "run ID|NAME", Short: "Run one of the offers on this machine now", Args: cobra.ExactArgs(1),
		Long: `Run an offer in the foreground. If it restarts the machine, or this command is ended, bootward-client.service goes on with it.

The questions of its task sequence are answered by --answer and --answer-file, or asked at the terminal. Without a terminal a
variable of the computer or its collections is the answer, or else the default. A secret answer is typed, or read from a file: an
argument stands in the list of processes.`,
		Example: "  bootward-agent client run CEN20016\n  bootward-agent client run CEN20016 --answer Bay=3 --answer-file Pin=/root/pin",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := resident(conf)
			if err != nil {
				return err
			}
			a.in, a.out = cmd.InOrStdin(), cmd.ErrOrStderr()
			next, err := r.Choose(cmd.Context(), args[0], a.ask)
			if err != nil {
				return err
			}
			return follow(cmd.Context(), next)
		},
	}
	cmd.Flags().StringArrayVar(&a.given, "answer", nil, "the answer to a question, VARIABLE=ANSWER; may be given more than once")
	cmd.Flags().StringArrayVar(&a.files, "answer-file", nil, "a file that holds the answer, VARIABLE=FILE, - for standard input; without the line end at its end")
	return cmd
}
