package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/bootward/bootward/osd/sequence"
)

// answers are how the questions of a sequence are answered at a command line.
type answers struct {
	given []string // VARIABLE=ANSWER
	files []string // VARIABLE=FILE
	in    io.Reader
	out   io.Writer
}

// ask implements agent.Ask.
func (a *answers) ask(ctx context.Context, questions []sequence.Question) (map[string]string, error) {
	typed, err := a.options(questions)
	if err != nil {
		return nil, err
	}
	terminal, _ := a.in.(*os.File)
	if terminal != nil && !term.IsTerminal(int(terminal.Fd())) {
		terminal = nil
	}
	reader := bufio.NewReader(a.in)
	values := map[string]string{}
	for _, q := range questions {
		text, ok := typed[strings.ToLower(q.Variable)]
		if ok {
			if values[q.Variable], err = q.Answer(text); err != nil {
				return nil, fmt.Errorf("the answer for %s: %w", q.Variable, err)
			}
		} else if terminal != nil {
			read := func() (string, error) { return reader.ReadString('\n') }
			if q.Secret {
				read = func() (string, error) { return hidden(terminal) }
			}
			if values[q.Variable], err = a.question(ctx, q, terminal, read); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

// options reads what stands on the command line, by variable in lower case.
func (a *answers) options(questions []sequence.Question) (map[string]string, error) {
	typed := map[string]string{}
	for i, option := range append(a.given[:len(a.given):len(a.given)], a.files...) {
		name, text, ok := strings.Cut(option, "=")
		if !ok {
			return nil, fmt.Errorf("--answer %q: give VARIABLE=ANSWER", option)
		}
		q := question(questions, name)
		_, twice := typed[strings.ToLower(name)]
		file := i >= len(a.given)
		switch {
		case q == nil:
			return nil, fmt.Errorf("--answer %s: the task sequence asks for no such variable: %s", name, asked(questions))
		case twice:
			return nil, fmt.Errorf("--answer %s: it is there twice; give one answer", name)
		case q.Secret && !file:
			return nil, fmt.Errorf("--answer %s: the answer is secret, and a command line stands in the list of processes; type it at a terminal, or give --answer-file %s=FILE", name, name)
		case file:
			var err error
			if text, err = a.read(text); err != nil {
				return nil, fmt.Errorf("--answer-file %s: %w", name, err)
			}
		}
		typed[strings.ToLower(name)] = text
	}
	return typed, nil
}

func question(questions []sequence.Question, variable string) *sequence.Question {
	for i := range questions {
		if strings.EqualFold(questions[i].Variable, variable) {
			return &questions[i]
		}
	}
	return nil
}

// asked names what is asked for.
func asked(questions []sequence.Question) string {
	if len(questions) == 0 {
		return "it asks nothing"
	}
	names := make([]string, len(questions))
	for i, q := range questions {
		names[i] = q.Variable
	}
	return "it asks for " + strings.Join(names, ", ")
}

// maxFile is how much of a file is read: no answer is as long.
const maxFile = 4096

func (a *answers) read(path string) (string, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxFile))
	return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), err
}

// question asks until an answer fits, or ctx or the terminal ends.
func (a *answers) question(ctx context.Context, q sequence.Question, terminal *os.File, read func() (string, error)) (string, error) {
	text := q.Prompt
	for i, c := range q.Choices {
		text += fmt.Sprintf("\n  %d  %s", i+1, c)
	}
	switch {
	case len(q.Choices) > 0:
		text += "\nAnswer"
	case q.Optional && q.Default == "":
		text += ", or nothing"
	}
	if q.Default != "" {
		text += " [" + q.Default + "]"
	}
	for {
		fmt.Fprint(a.out, text+": ")
		typed, err := wait(ctx, terminal, read)
		if q.Secret || err != nil {
			fmt.Fprintln(a.out)
		}
		if err != nil {
			return "", fmt.Errorf("%s: there is no answer: %w", q.Variable, err)
		}
		value, err := q.Reply(strings.TrimRight(typed, "\r\n"))
		if err == nil {
			return value, nil
		}
		fmt.Fprintln(a.out, err)
	}
}

// hidden reads a line without an echo.
func hidden(terminal *os.File) (string, error) {
	raw, err := term.ReadPassword(int(terminal.Fd()))
	return string(raw), err
}

// wait reads, or ends with ctx: Ctrl-C at a question ends the program, and leaves the terminal
// with the echo that it had. What still reads then goes with the program.
func wait(ctx context.Context, terminal *os.File, read func() (string, error)) (string, error) {
	before, _ := term.GetState(int(terminal.Fd())) // no terminal: nothing to bring back
	type line struct {
		text string
		err  error
	}
	done := make(chan line, 1)
	go func() {
		text, err := read()
		done <- line{text, err}
	}()
	select {
	case l := <-done:
		return l.text, l.err
	case <-ctx.Done():
		if before != nil {
			_ = term.Restore(int(terminal.Fd()), before) // it is gone: nothing to bring back
		}
		return "", ctx.Err()
	}
}
