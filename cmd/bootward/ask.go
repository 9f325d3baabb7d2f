package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// answer waits for what a person types, or for the end of ctx: a Ctrl-C at a
// question ends the program at the first press, and leaves the terminal with the
// echo that it had. What still reads then goes with the program.
func answer[T any](ctx context.Context, a *app, read func() (T, error)) (T, error) {
	type typed struct {
		text T
		err  error
	}
	var before *term.State
	f, ok := a.in.(*os.File)
	if ok {
		before, _ = term.GetState(int(f.Fd())) // no terminal: nothing to bring back
	}
	done := make(chan typed, 1)
	go func() {
		text, err := read()
		done <- typed{text, err}
	}()
	select {
	case t := <-done:
		return t.text, t.err
	case <-ctx.Done():
		if before != nil {
			_ = term.Restore(int(f.Fd()), before) // it is gone: nothing to bring back
		}
		fmt.Fprintln(a.err)
		var none T
		return none, ctx.Err()
	}
}

// ask asks a question that is answered by a line, without the spaces around it.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	if _, err := fmt.Fprint(a.err, question); err != nil {
		return "", err
	}
	line, err := answer(ctx, a, func() (string, error) { return bufio.NewReader(a.in).ReadString('\n') })
	if errors.Is(err, io.EOF) {
		fmt.Fprintln(a.err) // nobody pressed Enter
		err = nil
	}
	return strings.TrimSpace(line), err
}

// askHidden reads what a person types without an echo.
func (a *app) askHidden(ctx context.Context, f *os.File) (string, error) {
	raw, err := answer(ctx, a, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
	if ctx.Err() == nil {
		fmt.Fprintln(a.err)
	}
	return string(raw), err
}
