package job

import (
	"os"
	"path/filepath"
	"sync"
)

// maxLog is where smsts.log is cut: the newest half stays, as with the log that
// viewers know (smsts.log and smsts.lo_).
const maxLog = 2 << 20

// Log is the writer of smsts.log in a folder; it follows the folder when that
// moves. It is safe for concurrent use. What cannot be written is lost: a log is
// no reason to stop.
type Log struct {
	mu     sync.Mutex
	folder *Folder
}

// NewLog makes the writer of a folder's log.
func NewLog(f *Folder) *Log { return &Log{folder: f} }

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folder.mu.RLock()
	defer l.folder.mu.RUnlock()
	path := filepath.Join(l.folder.dir, FileLog)
	if info, err := os.Stat(path); err == nil && info.Size()+int64(len(p)) > maxLog {
		_ = os.Rename(path, filepath.Join(l.folder.dir, "smsts.lo_")) // then the log grows: no harm
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return len(p), nil
	}
	defer f.Close()
	_, _ = f.Write(p) // a full disk shows in the step that needs space
	return len(p), nil
}
