package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// valueOptions say where a secret value comes from. It is never an argument:
// those stand in the list of processes and in the history of the shell.
type valueOptions struct{ file string }

func (o *valueOptions) flags(c *cobra.Command) {
	c.Flags().StringVarP(&o.file, "file", "f", "", "read the value from this file, - for standard input, without the line end at its end; asked for when left out")
}

// maxValue is how much of a file is read: more is no secret.
const maxValue = 64 << 10

// value reads a secret value: from the file, from standard input if that is no
// terminal, or from a person, twice and without echo.
func (a *app) value(ctx context.Context, o valueOptions, what string) (string, error) {
	if terminal, ok := a.in.(*os.File); ok && o.file == "" && term.IsTerminal(int(terminal.Fd())) {
		return a.askTwice(what, func() (string, error) { return a.askHidden(ctx, terminal) })
	}
	in := a.in
	if o.file != "" && o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxValue+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", what, err)
	case len(raw) > maxValue:
		return "", fmt.Errorf("%s: the file is longer than %d bytes: that is no secret", what, maxValue)
	case !utf8.Valid(raw):
		return "", fmt.Errorf("%s: the file is no text in UTF-8; give text, such as base64 of what it is", what)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("%s: it is empty", what)
	}
	return text, nil
}

// askTwice asks a person, who does not see what he types.
func (a *app) askTwice(what string, read func() (string, error)) (string, error) {
	var typed [2]string
	for i, prompt := range []string{what, what + " again"} {
		if _, err := fmt.Fprintf(a.err, "%s: ", prompt); err != nil {
			return "", err
		}
		text, err := read()
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		typed[i] = text
	}
	switch {
	case typed[0] == "":
		return "", fmt.Errorf("%s: it is empty", what)
	case typed[0] != typed[1]:
		return "", errors.New(what + ": the two differ; nothing was changed")
	}
	return typed[0], nil
}
