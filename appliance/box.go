package appliance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootward/bootward/appliance/distributionpoint"
	"github.com/bootward/bootward/appliance/joblog"
	"github.com/bootward/bootward/appliance/managementpoint"
	"github.com/bootward/bootward/appliance/network"
	"github.com/bootward/bootward/appliance/selftest"
	"github.com/bootward/bootward/appliance/serialconsole"
	"github.com/bootward/bootward/appliance/sitelink"
	"github.com/bootward/bootward/appliance/store"
	"github.com/bootward/bootward/appliance/technician"
	"github.com/bootward/bootward/content"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/policy"
)

// Options are what a box needs besides its configuration. They are not changed
// after New.
type Options struct {
	Config  Config
	Version string
	Board   string
	Built   time.Time // no certificate is checked at an earlier time
	Clock   func() time.Time
	Log     *slog.Logger
	Console io.Writer // of the technician; a *serialconsole.Screen if the log goes there too
	// In is the technician's keyboard, one key at a time and without an echo; nil:
	// nobody can type.
	In io.Reader
	// Unseal opens what the site sealed to this box, in place of the box's own key;
	// for tests. May be nil.
	Unseal func(policy.Sealed) ([]byte, error)
	// TokenFile holds the enrolment token; ConsumeSeed deletes it from the
	// boot medium when it is used (may be nil).
	TokenFile   string
	ConsumeSeed func(name string) error
	// Address keeps an interface configured until ctx ends. It is called for
	// interfaces whose address is dhcp or static.
	Address func(ctx context.Context, n Interface, log *slog.Logger) error
}

// Box is an appliance. New makes one, Run runs it, Close gives back what it
// holds.
type Box struct {
	o       Options
	store   *store.Store
	dir     *content.Directory
	link    *sitelink.Link
	sync    *sitelink.Syncer
	library *distributionpoint.Library
	relay   *distributionpoint.Relay
	files   *distributionpoint.BootFiles
	point   *managementpoint.Point
	logs    *joblog.Keeper
	desk    *technician.Desk
	keys    <-chan byte // of Options.In
	super   *supervisor.Supervisor
	watch   *network.Watcher
	flight  *recorder
	delays  delays
	windows windowsFiles
	chains  chains
	tester  *selftest.Tester
	rivals  selftest.Rivals

	changed supervisor.Signal // anything that the console shows
	news    supervisor.Signal // what the site is told at once

	mu        sync.Mutex
	answering map[string]bool // interfaces on which PXE is answered
	ready     atomic.Bool
}

// New opens the box's data and puts its parts together. It starts nothing.
func New(ctx context.Context, o Options) (*Box, error) {
	dir := o.Config.DataDirectory
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	b := &Box{o: o, answering: map[string]bool{}}
	b.super = supervisor.New(o.Log, b.changed.Notify)
	var err error
	if b.store, err = store.Open(ctx, filepath.Join(dir, "box.db"), o.Log, o.Clock()); err != nil {
		return nil, err
	}
	if err := b.open(dir); err != nil {
		return nil, errors.Join(err, b.store.Close())
	}
	return b, nil
}

func (b *Box) open(dir string) (err error) {
	if b.dir, err = content.OpenDirectory(filepath.Join(dir, "content")); err != nil {
		return err
	}
	if b.link, err = sitelink.Open(sitelink.Options{
		Site: b.o.Config.Site, Directory: dir, TokenFile: b.o.TokenFile, ConsumeSeed: b.o.ConsumeSeed, StateID: b.store.StateID(),
		Board: b.o.Board, Version: b.o.Version, Built: b.o.Built, Clock: b.o.Clock,
	}, b.o.Log); err != nil {
		return err
	}
	if b.logs, err = joblog.Open(filepath.Join(dir, "logs")); err != nil {
		return err
	}
	b.sync = sitelink.NewSyncer(b.link, b.dir, b.pinned)
	b.library = distributionpoint.NewLibrary(b.dir)
	b.relay = distributionpoint.NewRelay(b.dir, b.link.Source)
	b.files = &distributionpoint.BootFiles{Library: b.library, Images: b.bootImages, OnBad: b.bad}
	b.point = &managementpoint.Point{
		Store: b.store, Self: b.self, Policy: b.snapshot, Complete: b.library.Complete, Now: b.link.Now, Version: b.o.Version,
		Content: &distributionpoint.Point{Library: b.library, OnBad: b.bad, Relay: b.relay}, LineUp: b.link.Up, Wake: b.wakeNow,
		Unseal: b.unseal, Logs: b.logs, Log: b.super.Logger("https"),
	}
	if b.o.Unseal != nil {
		b.point.Unseal = b.o.Unseal
	}
	b.tester = &selftest.Tester{Box: segments{b}, Now: time.Now, Changed: func() { b.changed.Notify(); b.news.Notify() }}
	b.desk = b.newDesk()
	b.flight = newRecorder(b.store, b.link.Now)
	b.point.Alarm, b.point.Called, b.point.News = b.flight.alarm, b.flight.called, b.news.Notify
	b.watch, err = network.Watch(func(_, _ network.Snapshot) { b.changed.Notify(); b.news.Notify() })
	return err
}

// Close ends what is fetched for others and closes the database. Run must have
// returned.
func (b *Box) Close() error { return errors.Join(b.relay.Close(), b.store.Close()) }

// Run runs every service of the configuration until ctx ends; then it returns
// nil, whatever became of single services: they said so in the log.
func (b *Box) Run(asked context.Context) error {
	ctx, cancel := context.WithCancel(asked)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { follow(ctx, b.link.Changed, b.changed.Notify, b.news.Notify) })
	wg.Go(func() { follow(ctx, b.sync.Changed, b.changed.Notify, b.news.Notify) })
	wg.Go(func() { follow(ctx, b.store.Changed, b.changed.Notify) })
	wg.Go(func() {
		if err := b.watch.Run(ctx); err != nil {
			b.o.Log.Error("the network is no longer watched", "error", err)
			cancel() // addresses would go stale unseen: better to start again
		}
	})
	if b.o.In != nil {
		b.keys = serialconsole.Keys(ctx, b.o.In)
	}
	var services []supervisor.Named
	for _, s := range Plan(b.o.Config, b.links(ctx)) {
		services = append(services, supervisor.Named{Name: s.Name, Service: b.service(s)})
	}
	services = append(services, supervisor.Named{Name: "recorder", Service: supervisor.Func(b.flight.run)})
	err := b.super.Run(ctx, services)
	if asked.Err() != nil {
		return nil
	}
	return errors.Join(errors.New("the box stopped by itself"), err)
}

// follow passes changes of one source on.
func follow(ctx context.Context, source func() <-chan struct{}, notify ...func()) {
	for {
		select {
		case <-source():
		case <-ctx.Done():
			return
		}
		for _, n := range notify {
			n()
		}
	}
}

// linkWait is how long the box waits for its first Ethernet interface.
const linkWait = 30 * time.Second

// links names the Ethernet interfaces of the host. A box that has just
// started may have to wait for the first.
func (b *Box) links(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, linkWait)
	defer cancel()
	for {
		changed := b.changed.Changed()
		var names []string
		for _, l := range b.watch.State().Links {
			if !l.Loop && len(l.MAC) == 6 {
				names = append(names, l.Name)
			}
		}
		if len(names) > 0 {
			return names
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *Box) self() *managementpoint.Self {
	id := b.link.Identity()
	if id == nil {
		return nil
	}
	return &managementpoint.Self{Box: id.Box, BoxName: id.BoxName, Site: id.Site, Anchor: id.Anchor, Authority: id.Authority}
}

// unseal opens a value that the site sealed to this box.
func (b *Box) unseal(v policy.Sealed) ([]byte, error) {
	id := b.link.Identity()
	if id == nil {
		return nil, errors.New("the box is not enrolled yet")
	}
	return id.Sealing.Open(v.Context(id.Box), v.Ciphertext)
}

func (b *Box) snapshot() *policy.Snapshot {
	if p := b.link.Policy(); p != nil {
		return p.Snapshot
	}
	return nil
}

func (b *Box) bootImages() []osd.BootImage {
	if s := b.snapshot(); s != nil {
		return s.BootImages
	}
	return nil
}

// bad is told of blobs that failed their digest: they are fetched again.
func (b *Box) bad(sha string) {
	b.o.Log.Error("a file on the disk is damaged: put into quarantine, fetched again", "sha256", sha)
	b.sync.Refetch()
}

// pinned lists the content of running jobs.
func (b *Box) pinned(ctx context.Context) ([]string, error) {
	jobs, err := b.store.OpenJobs(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, j := range jobs {
		for _, c := range j.Document.Content {
			all = append(all, c.Manifest)
		}
	}
	return all, nil
}
