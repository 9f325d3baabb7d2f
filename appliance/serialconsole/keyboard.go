package serialconsole

import (
	"context"
	"io"
	"strings"
	"time"
)

// Interpreter carries out the lines that somebody types. One goroutine calls it.
type Interpreter interface {
	// Prompt is what stands before the line, and whether what is typed is hidden.
	Prompt() (text string, hidden bool)
	// Line carries a line out and says what to print.
	Line(ctx context.Context, line string) []string
	// Interrupt gives up a question.
	Interrupt()
	// Idle is called now and then while nothing is typed, and says what to print.
	Idle() []string
}

// Keys reads the keys of a terminal until it ends or ctx does; then the channel is
// closed. The goroutine that reads lives as long as the terminal does.
func Keys(ctx context.Context, terminal io.Reader) <-chan byte {
	keys := make(chan byte, 256)
	go func() {
		defer close(keys)
		b := make([]byte, 64)
		for {
			n, err := terminal.Read(b)
			for _, k := range b[:n] {
				select {
				case keys <- k:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return keys
}

// How long the console waits for somebody who began to type.
const (
	lookEvery = 5 * time.Second
	lineWait  = 30 * time.Second // then a line that was begun is dropped: it holds blocks back
	awayAfter = 6 * time.Minute  // then the prompt goes
)

// keyboard is what is typed. Nothing stands on the screen until the first key.
type keyboard struct {
	screen *Screen
	input  Interpreter
	open   bool // the prompt stands on the screen
	editor editor
	last   time.Time // of the last key
}

// busy says whether a line is being typed.
func (k *keyboard) busy() bool {
	if !k.open {
		return false
	}
	_, asked := k.input.Prompt()
	return asked || len(k.editor.line) > 0
}

// draw shows the line as it is; a hidden one in stars.
func (k *keyboard) draw() error {
	prompt, hidden := k.input.Prompt()
	text := string(k.editor.line)
	if hidden {
		text = strings.Repeat("*", len(text))
	}
	return k.screen.show(printable(prompt) + text)
}

// press takes one key.
func (k *keyboard) press(ctx context.Context, key byte) error {
	k.last = time.Now()
	was := k.open
	k.open = true
	switch k.editor.key(key) {
	case entered:
		if !was {
			break // it asked for the prompt
		}
		line := k.editor.take()
		if err := k.screen.enter(); err != nil {
			return err
		}
		return k.say(k.input.Line(ctx, line))
	case abandoned:
		k.editor.take()
		k.input.Interrupt()
		if was {
			if err := k.screen.enter(); err != nil {
				return err
			}
		}
	}
	return k.draw()
}

// say prints lines above the prompt.
func (k *keyboard) say(lines []string) error {
	var b strings.Builder
	for _, l := range lines {
		for _, part := range wrap(printable(l), width-1) {
			b.WriteString(part + "\n")
		}
	}
	if b.Len() > 0 {
		if _, err := io.WriteString(k.screen, b.String()); err != nil {
			return err
		}
	}
	if !k.open {
		return nil
	}
	return k.draw()
}

// look drops a line that nobody goes on with, and takes the prompt away when
// nobody is there.
func (k *keyboard) look() error {
	if !k.open {
		return nil
	}
	if away := time.Since(k.last); k.busy() && away >= lineWait {
		k.editor.take()
		k.input.Interrupt()
	} else if away >= awayAfter {
		k.open = false
		if err := k.screen.show(""); err != nil {
			return err
		}
	}
	return k.say(k.input.Idle())
}
