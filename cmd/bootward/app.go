package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/bootward/bootward/site/client"
)

// app is what every verb is given: where to write, and the flags that all
// verbs have.
type app struct {
	in          io.Reader
	out, err    io.Writer
	env         func(string) string
	json        bool
	verbose     bool
	contextFile string
	remote      remoteOptions
	trace       traceOptions
	boot        bootOptions
	status      statusOptions
}

func newApp(in io.Reader, out, err io.Writer, env func(string) string) *app {
	return &app{in: in, out: out, err: err, env: env}
}

// run executes a command line and decides the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	e, code := a.judge(ctx, err, c.CommandPath())
	a.report(e)
	return code
}

// group makes a command that has only verbs.
func group(use, short, groupID string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, GroupID: groupID, SuggestionsMinimumDistance: 1, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(c, args[0])
			}
			return c.Help()
		}}
	c.AddCommand(verbs...)
	return c
}

// site opens a client by the context file.
func (a *app) site() (*client.Client, error) {
	file, err := a.contextPath()
	if err != nil {
		return nil, err
	}
	c, err := client.LoadContext(file)
	if err != nil {
		return nil, err
	}
	return client.New(c)
}

// contextPath is the flag, else $BOOTWARD_CONTEXT, else
// ~/.config/bootward/context.yaml.
func (a *app) contextPath() (string, error) {
	if a.contextFile != "" {
		return a.contextFile, nil
	}
	if file := a.env("BOOTWARD_CONTEXT"); file != "" {
		return file, nil
	}
	base := a.env("XDG_CONFIG_HOME")
	if base == "" {
		home := a.env("HOME")
		if home == "" {
			return "", errors.New("context: neither --context nor BOOTWARD_CONTEXT nor HOME is set")
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "bootward", "context.yaml"), nil
}

// print writes a value as JSON if asked for, else by the function.
func (a *app) print(v any, text func(w io.Writer) error) error {
	if !a.json {
		return text(a.out)
	}
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// encode writes a value as one line of JSON.
func (a *app) encode(v any) error { return json.NewEncoder(a.out).Encode(v) }

// log is text on a terminal, JSON otherwise.
func (a *app) log() *slog.Logger {
	o := &slog.HandlerOptions{}
	if a.verbose {
		o.Level = slog.LevelDebug
	}
	if terminal(a.err) {
		return slog.New(slog.NewTextHandler(a.err, o))
	}
	return slog.New(slog.NewJSONHandler(a.err, o))
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// who names the person at this machine, for the audit log of verbs that work
// on the site's directory.
func who() string {
	u, err := user.Current()
	if err != nil {
		return "local"
	}
	return "local " + u.Username
}

// clock prints a time for people, or a dash.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
