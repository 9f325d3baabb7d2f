package boot

import (
	"context"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// machine is the hardware as PID 1 sees it: its module loader and a bell that rings when a disk comes.
type machine struct {
	loader *loader
	disks  <-chan struct{} // capacity one; a ring means: look again
}

// hardware loads the modules that the devices ask for, and goes on doing so for devices that come later. What no
// device asks for, such as file systems, is loaded when the kernel needs it: see Modprobe.
func (i *Init) hardware(ctx context.Context) (*machine, error) {
	l, err := runningLoader()
	if err != nil {
		return nil, err
	}
	bell := make(chan struct{}, 1)
	events, err := openUevents()
	if err != nil {
		return nil, err
	}
	go func() {
		for e := range events.stream(ctx) {
			i.onEvent(ctx, l, bell, e)
		}
	}()
	if err := serveKernel(l); err != nil {
		return nil, err
	}
	if err := mountEFIVariables(); err != nil {
		i.Log.Warn("no EFI variables", "error", err)
	}
	i.coldplug(l, os.DirFS("/sys/devices"))
	i.Log.Info("hardware is ready after " + seconds(sinceBoot()))
	return &machine{loader: l, disks: bell}, nil
}

func (i *Init) onEvent(ctx context.Context, l *loader, bell chan<- struct{}, e uevent) {
	if e.action != "add" && e.action != "change" {
		return
	}
	if e.modalias != "" {
		if err := l.Load(e.modalias); err != nil {
			i.Log.Warn("module for a new device", "device", e.path, "error", err)
		}
	}
	if e.subsystem == "input" && e.action == "add" {
		go i.watchPower(ctx, e.device)
	}
	if e.subsystem == "block" {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}

// coldplug loads modules for all devices that are there, in rounds: a bus that got its driver shows more devices.
func (i *Init) coldplug(l *loader, devices fs.FS) {
	seen := map[string]bool{}
	for range 8 { // real machines are done after three or four
		fresh := newModaliases(devices, seen)
		if len(fresh) == 0 {
			return
		}
		i.loadAll(l, fresh)
	}
}

func (i *Init) loadAll(l *loader, names []string) {
	var g errgroup.Group
	var mu sync.Mutex
	g.SetLimit(2 * runtime.NumCPU())
	for _, n := range names {
		g.Go(func() error {
			if err := l.Load(n); err != nil {
				mu.Lock()
				defer mu.Unlock()
				i.Log.Warn("module", "name", n, "error", err)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
}

// newModaliases walks a tree like /sys/devices and lists the modaliases that are not in seen, which it extends.
func newModaliases(devices fs.FS, seen map[string]bool) (fresh []string) {
	_ = fs.WalkDir(devices, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(p) != "modalias" {
			return nil // devices come and go while we walk
		}
		raw, err := fs.ReadFile(devices, p)
		if m := strings.TrimSpace(string(raw)); err == nil && m != "" && !seen[m] {
			seen[m] = true
			fresh = append(fresh, m)
		}
		return nil
	})
	return fresh
}
