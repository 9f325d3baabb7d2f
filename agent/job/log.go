package job

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bootward/bootward/internal/supervisor"
)

// maxLog is where smsts.log is cut: the newest half stays, as with the log that
// viewers know (smsts.log and smsts.lo_).
const maxLog = 2 << 20

// fileOldLog is the half before, and fileLogStart where smsts.log begins in the whole
// log, in bytes.
const (
	fileOldLog   = "smsts.lo_"
	fileLogStart = "smsts.at"
)

// Log is the writer of smsts.log in a folder; it follows the folder when that
// moves. It is safe for concurrent use. What cannot be written is lost: a log is
// no reason to stop.
type Log struct {
	mu      sync.Mutex
	folder  *Folder
	changed supervisor.Signal
}

// NewLog makes the writer of a folder's log.
func NewLog(f *Folder) *Log { return &Log{folder: f} }

// Changed returns a channel that is closed at the next Write.
func (l *Log) Changed() <-chan struct{} { return l.changed.Changed() }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	defer l.changed.Notify()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folder.mu.RLock()
	defer l.folder.mu.RUnlock()
	path := filepath.Join(l.folder.dir, FileLog)
	if info, err := os.Stat(path); err == nil && info.Size()+int64(len(p)) > maxLog {
		l.turn(path, info.Size())
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return len(p), nil
	}
	defer f.Close()
	_, _ = f.Write(p) // a full disk shows in the step that needs space
	return len(p), nil
}

// turn lets smsts.log begin anew. If it cannot, the log grows: no harm.
func (l *Log) turn(path string, size int64) {
	start := strconv.FormatInt(l.start()+size, 10)
	if os.Rename(path, filepath.Join(l.folder.dir, fileOldLog)) == nil {
		_ = os.WriteFile(filepath.Join(l.folder.dir, fileLogStart), []byte(start), 0o600)
	}
}

// start is where smsts.log begins in the whole log.
func (l *Log) start() int64 {
	raw, err := os.ReadFile(filepath.Join(l.folder.dir, fileLogStart))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64) // 0: some of it is sent again
	return n
}

// Read returns bytes of the whole log from an offset on, at most most, and the offset
// of the first: a later one where those before are gone.
func (l *Log) Read(offset int64, most int) ([]byte, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folder.mu.RLock()
	defer l.folder.mu.RUnlock()
	start := l.start()
	if info, err := os.Stat(filepath.Join(l.folder.dir, fileOldLog)); err == nil && offset < start && start > 0 {
		return readAt(filepath.Join(l.folder.dir, fileOldLog), start-info.Size(), offset, most)
	}
	return readAt(filepath.Join(l.folder.dir, FileLog), start, offset, most)
}

// readAt reads a file that begins at start of the whole.
func readAt(path string, start, offset int64, most int) ([]byte, int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, max(offset, start), nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the log: %w", err)
	}
	defer f.Close()
	offset = max(offset, start)
	data := make([]byte, most)
	n, err := f.ReadAt(data, offset-start)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], offset, err
}

// KeepLog copies what there is of the log, both halves, to a folder.
func (f *Folder) KeepLog(dir string, folderMode, mode os.FileMode) error {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	for _, name := range []string{FileLog, fileOldLog} {
		raw, err := f.Read(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		to := filepath.Join(dir, name)
		if err == nil {
			err = removeIfThere(to) // it may be a link to the log that is about to go
		}
		if err == nil {
			err = os.WriteFile(to, raw, mode)
		}
		if err != nil {
			return fmt.Errorf("keep the log: %w", err)
		}
	}
	return nil
}
