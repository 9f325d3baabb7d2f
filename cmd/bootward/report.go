package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bootward/bootward/api"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitInterrupted = 130 // as shells have it for SIGINT
)

// The codes that errors of this program have in JSON; those of the site are
// in package api.
const (
	codeFailed      api.Code = "failed"
	codeUsage       api.Code = "usage"
	codeInterrupted api.Code = "interrupted"
)

// usageError is a command line that cannot be run.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

// exitCode ends a verb that has told everything on its output, such as differences that were found.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// judge turns an error of a command into what is told of it and the exit code.
func (a *app) judge(ctx context.Context, err error, command string) (*api.Error, int) {
	var usage *usageError
	var e *api.Error
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return told(codeInterrupted, errors.New("interrupted")), exitInterrupted
	case errors.As(err, &usage):
		e = told(codeUsage, err)
		e.Remedy = command + " --help"
		return e, exitUsage
	case errors.As(err, &e) && e.Code == api.CodeRefused:
		return e, exitRefused
	case errors.As(err, &e):
		return e, exitFailed
	}
	e = told(codeFailed, err)
	if wire := (*url.Error)(nil); errors.As(err, &wire) { // nobody answered, or not the one who was asked
		if a.remote.box != "" {
			e.Remedy = "see whether the box answers at " + a.remote.box
			return e, exitFailed
		}
		e.Remedy = "see whether `bootward site serve` runs there; the address stands in the context file"
		if file, err := a.contextPath(); err == nil {
			e.Remedy += " " + file
		}
	}
	return e, exitFailed
}

func told(code api.Code, err error) *api.Error {
	return &api.Error{Type: "about:blank", Title: "Command failed", Code: code, Detail: err.Error()}
}

// report prints an error: object, detail, remedy. Where it is about places in
// files, each has a line, which names the object itself.
func (a *app) report(e *api.Error) {
	if a.json {
		// The plan of a dry run stands in the output.
		e.Changes = nil
		_ = json.NewEncoder(a.err).Encode(e) // stderr is gone: nobody to tell
		return
	}
	lines := strings.Split(e.Detail, "\n")
	switch {
	case len(lines) > 1:
		if e.Code == codeFailed {
			fmt.Fprintf(a.err, "bootward: %s\n", plain(lines[0]))
			lines = lines[1:]
		} else {
			fmt.Fprintf(a.err, "bootward: %d places are wrong\n", len(lines))
		}
		for _, l := range lines {
			fmt.Fprintf(a.err, "  %s\n", plain(l))
		}
	case e.Object != "" && !strings.Contains(e.Detail, e.Object):
		fmt.Fprintf(a.err, "bootward: %s: %s\n", plain(e.Object), plain(e.Detail))
	default:
		fmt.Fprintf(a.err, "bootward: %s\n", plain(e.Detail))
	}
	switch {
	case e.Code == codeUsage:
		fmt.Fprintf(a.err, "  help: %s\n", e.Remedy)
	case e.Remedy != "":
		fmt.Fprintf(a.err, "  remedy: %s\n", plain(e.Remedy))
	}
}

// exactly makes cobra's check of arguments a usage error.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > len(names) && len(names) == 0:
			return &usageError{fmt.Errorf("%s: takes no argument, and %q is given", c.CommandPath(), args[0])}
		case len(args) > len(names):
			return &usageError{fmt.Errorf("%s: wants %s and nothing more, and %q is given too; put a name that has spaces in quotes",
				c.CommandPath(), strings.Join(names, " "), args[len(names)])}
		case len(args) < len(names):
			return &usageError{fmt.Errorf("%s: %s is missing", c.CommandPath(), names[len(args)])}
		}
		return nil
	}
}

// atLeastOne is exactly for verbs that take one name and more.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &usageError{fmt.Errorf("%s: %s is missing", c.CommandPath(), name)}
		}
		return nil
	}
}

// atMostOne is exactly for verbs that take one name or none.
func atMostOne(name string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < 2 {
			return nil
		}
		return exactly(name)(c, args)
	}
}

// unknown is a word that is no command, with those that look like it.
func unknown(c *cobra.Command, word string) error {
	err := fmt.Errorf("%q is no command of %s", word, c.CommandPath())
	if like := c.SuggestionsFor(word); len(like) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(like, " or "))
	}
	return &usageError{err}
}
