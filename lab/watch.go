package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/bootward/bootward/osd/status"
)

// Watch is a `bootward` that runs on and writes status messages, as JSON, into a file.
type Watch struct {
	file string
	stop context.CancelFunc
	done chan struct{}
}

// Watch starts `bootward ARGS --watch --json` in a network namespace; its outputs go to files NAME
// in the folder of the run. It ends with ctx or Stop.
func (l *Lab) Watch(ctx context.Context, namespace, name string, args ...string) (*Watch, error) {
	w := &Watch{file: filepath.Join(l.options.Dir, name), done: make(chan struct{})}
	out, err := os.Create(w.file)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	words, err := os.Create(w.file + ".log")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch: %w", err), out.Close())
	}
	ctx, w.stop = context.WithCancel(ctx)
	argv := append([]string{"netns", "exec", namespace, l.program("bootward"), "--json"}, args...)
	cmd := exec.CommandContext(ctx, "ip", append(argv, "--watch")...)
	cmd.Env, cmd.Stdout, cmd.Stderr = l.environment(), out, words
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		w.stop()
		return nil, errors.Join(fmt.Errorf("watch: %w", err), out.Close(), words.Close())
	}
	go func() {
		defer close(w.done)
		_ = cmd.Wait() // it is ended by us; what it said is in the files
		out.Close()
		words.Close()
	}()
	return w, nil
}

// Stop ends it.
func (w *Watch) Stop() {
	w.stop()
	<-w.done
}

// Messages are what it has written until now.
func (w *Watch) Messages() ([]status.Message, error) {
	f, err := os.Open(w.file)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	defer f.Close()
	var all []status.Message
	for d := json.NewDecoder(f); ; {
		var m status.Message
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // it is writing
			return all, nil
		case err != nil:
			return all, fmt.Errorf("watch %s: %w", filepath.Base(w.file), err)
		}
		all = append(all, m)
	}
}
