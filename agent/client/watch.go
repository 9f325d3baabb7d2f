package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootward/bootward/internal/supervisor"
)

// SessionFolder is where systemd-logind keeps a file for each session.
const SessionFolder = "/run/systemd/sessions"

// People are those who are signed in, as systemd-logind writes them down. It is
// safe for concurrent use.
type People struct {
	// Folder is SessionFolder outside of tests, Devices is /dev.
	Folder, Devices string
	changed         chan struct{}
}

// NewPeople makes People of the folders.
func NewPeople(folder, devices string) *People {
	return &People{Folder: folder, Devices: devices, changed: make(chan struct{}, 1)}
}

// Changed gets a value after each change; several may become one.
func (p *People) Changed() <-chan struct{} { return p.changed }

// List reads who is signed in now.
func (p *People) List() ([]Session, error) {
	entries, err := os.ReadDir(p.Folder)
	if err != nil {
		return nil, fmt.Errorf("sessions of logind: %w", err)
	}
	var out []Session
	for _, e := range entries {
		if !e.Type().IsRegular() { // *.ref are pipes: to open one would wait
			continue
		}
		raw, err := readSome(filepath.Join(p.Folder, e.Name()))
		if err != nil {
			continue // the session ended meanwhile
		}
		if s, ok := ParseSession(e.Name(), raw); ok {
			out = append(out, s)
		}
	}
	return out, nil
}

func readSome(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSession+1))
}

// lookAgain is how often a folder is looked for that is not there, or that cannot
// be watched.
const lookAgain = 30 * time.Second

// Run tells of changes until ctx ends, when it returns nil. Without inotify, and
// while there is no folder, it says now and then that something may have changed.
func (p *People) Run(ctx context.Context) error {
	for {
		_ = p.watch(ctx) // whatever it was: the folder is looked at again
		p.tellOfChange()
		if !supervisor.Sleep(ctx, lookAgain) {
			return nil
		}
	}
}

func (p *People) tellOfChange() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// watch waits for events of the folder. What they say does not count, the folder
// does: so that events that were lost lose nothing.
func (p *People) watch(ctx context.Context) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch sessions: %w", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	defer events.Close()
	const mask = unix.IN_CREATE | unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, p.Folder, mask); err != nil {
		return fmt.Errorf("watch sessions in %s: %w", p.Folder, err)
	}
	p.tellOfChange() // what happened before the watch
	stop := context.AfterFunc(ctx, func() { events.Close() })
	defer stop()
	buf := make([]byte, 4096)
	for {
		if _, err := events.Read(buf); err != nil {
			return err
		}
		p.tellOfChange()
		if _, err := os.Stat(p.Folder); err != nil {
			return errors.New("the folder is gone")
		}
	}
}
