// Package joblog keeps the end of the log (smsts.log) of the newest jobs of a box, as
// their agents send it while they run.
//
// A log is a row of bytes counted from its beginning; what an agent sends twice is
// kept once, and what is missing is asked for by the offset of the answer. It is no
// record: nothing is synced, the oldest goes first, and a log that cannot be kept
// holds nobody up. Who may write or read which log is the caller's to decide.
package joblog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bootward/bootward/internal/supervisor"
)

// The bounds.
const (
	MaxChunk = 256 << 10 // bytes of one Append or Read
	segment  = 1 << 20   // bytes of a file; a log has two at most
	maxJobs  = 200
	// MaxTotal is how much of a log is taken in all: a job that writes for ever is not
	// to wear the disk out.
	MaxTotal = 64 << 20
)

// ErrTooLong is what Append returns for a log that is too long.
var ErrTooLong = fmt.Errorf("a log is taken up to %d MiB", MaxTotal>>20)

// ErrNone is what Read returns for a job whose log is not kept.
var ErrNone = errors.New("no log of this job is kept")

// Keeper keeps logs in a folder. Its methods may be called by several goroutines at
// once.
type Keeper struct {
	dir     string
	mu      sync.Mutex
	changed supervisor.Signal
}

// Open makes the folder if it is not there.
func Open(dir string) (*Keeper, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("logs of jobs: %w", err)
	}
	return &Keeper{dir: dir}, nil
}

// Changed returns a channel that is closed at the next Append of any log.
func (k *Keeper) Changed() <-chan struct{} { return k.changed.Changed() }

// piece is a file: JOB.START holds the bytes from START on.
type piece struct {
	name        string
	start, size int64
}

func (p piece) end() int64 { return p.start + p.size }

var jobName = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

// pieces are the files of a job, the oldest first.
func (k *Keeper) pieces(job string) ([]piece, error) {
	if !jobName.MatchString(job) {
		return nil, fmt.Errorf("%q is no job", job)
	}
	found, err := filepath.Glob(filepath.Join(k.dir, job+".*"))
	var all []piece
	for _, name := range found {
		start, bad := strconv.ParseInt(strings.TrimPrefix(filepath.Base(name), job+"."), 10, 64)
		info, gone := os.Stat(name)
		if bad == nil && gone == nil {
			all = append(all, piece{name, start, info.Size()})
		}
	}
	slices.SortFunc(all, func(a, b piece) int { return cmp.Compare(a.start, b.start) })
	return all, err
}

// Append keeps bytes that begin at an offset, and returns the offset that is wanted
// next. Bytes that lie behind that are not taken, unless the agent says by gap that it
// does not have those before any more.
func (k *Keeper) Append(job string, offset int64, gap bool, data []byte) (next int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := k.pieces(job)
	if err != nil || offset < 0 {
		return 0, errors.Join(err, negative(offset))
	}
	if len(all) > 0 {
		next = all[len(all)-1].end()
	}
	switch {
	case next > MaxTotal || offset > MaxTotal:
		return next, ErrTooLong
	case offset > next && !gap:
		return next, nil
	case offset > next:
		next = offset
	}
	if data = data[min(next-offset, int64(len(data))):]; len(data) == 0 {
		return next, nil
	}
	if err := k.write(job, all, next, data); err != nil {
		return next, fmt.Errorf("log of job %s: %w", job, err)
	}
	k.changed.Notify()
	return next + int64(len(data)), nil
}

func negative(offset int64) error {
	if offset < 0 {
		return fmt.Errorf("offset %d", offset)
	}
	return nil
}

// write adds to the newest file, or begins one and removes all but the one before.
func (k *Keeper) write(job string, all []piece, at int64, data []byte) error {
	name := ""
	if n := len(all); n > 0 && all[n-1].end() == at && all[n-1].size < segment {
		name = all[n-1].name
	} else {
		name = filepath.Join(k.dir, fmt.Sprintf("%s.%d", job, at))
		for _, old := range all[:max(0, n-1)] {
			if err := os.Remove(old.name); err != nil {
				return err
			}
		}
		if n == 0 {
			if err := k.room(); err != nil {
				return err
			}
		}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// room forgets the logs that were written to longest ago, so that one more has room.
func (k *Keeper) room() error {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return err
	}
	newest := map[string]int64{} // by job
	for _, e := range entries {
		job, _, ok := strings.Cut(e.Name(), ".")
		if info, err := e.Info(); ok && err == nil {
			newest[job] = max(newest[job], info.ModTime().UnixNano())
		}
	}
	jobs := make([]string, 0, len(newest))
	for job := range newest {
		jobs = append(jobs, job)
	}
	slices.SortFunc(jobs, func(a, b string) int { return cmp.Or(cmp.Compare(newest[a], newest[b]), cmp.Compare(a, b)) })
	for len(jobs) >= maxJobs {
		if err := k.remove(jobs[0]); err != nil {
			return err
		}
		jobs = jobs[1:]
	}
	return nil
}

func (k *Keeper) remove(job string) error {
	all, err := k.pieces(job)
	for _, p := range all {
		err = errors.Join(err, os.Remove(p.name))
	}
	return err
}

// Read returns bytes from an offset on, at most MaxChunk, and the offset of the first:
// a later one where those before are not kept any more. There are none behind the end.
func (k *Keeper) Read(job string, offset int64) (data []byte, at int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := k.pieces(job)
	if err != nil {
		return nil, 0, err
	}
	if len(all) == 0 {
		return nil, 0, ErrNone
	}
	for _, p := range all {
		if offset >= p.end() {
			continue
		}
		at = max(offset, p.start)
		data = make([]byte, min(p.end()-at, MaxChunk))
		f, err := os.Open(p.name)
		if err != nil {
			return nil, 0, fmt.Errorf("log of job %s: %w", job, err)
		}
		n, err := f.ReadAt(data, at-p.start)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return data[:n], at, errors.Join(err, f.Close())
	}
	return nil, all[len(all)-1].end(), nil
}

// Kept says whether a log of a job is kept.
func (k *Keeper) Kept(job string) bool {
	_, _, err := k.Read(job, 0)
	return err == nil || !errors.Is(err, ErrNone) && !errors.Is(err, fs.ErrNotExist)
}
