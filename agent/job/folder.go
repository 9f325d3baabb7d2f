// Package job keeps what a running job must not lose: the job, its key and
// certificate, the state of the engine, the status messages, the log.
//
// It lives in one folder (mode 0700): in memory until the target's volume
// exists, then on that volume as _SMSTaskSequence, so that the sequence goes on
// behind a restart; deleted at the end. Every write is to a new file that is
// fsynced and renamed. It knows nothing of networks.
package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/internal/durable"
)

// Name is the folder's name on the target's volume.
const Name = "_SMSTaskSequence"

// The files of a folder.
const (
	FileJob    = "job.json"     // api.Job
	FileState  = "state.json"   // engine.State
	FileKey    = "key.pem"      // the job's private key
	FileChain  = "chain.pem"    // its certificate
	FileAnchor = "anchor.json"  // the site's trust anchor
	FileBox    = "box.json"     // Box
	FileStatus = "status.jsonl" // messages, one a line
	FileDisk   = "disk.json"    // Layout
	// FilePrograms says which programs of the list of a step have ended.
	FilePrograms = "programs.json"
	FileLog      = "smsts.log"
	FileUnlock   = "unlock.key" // the temporary key of the target's volume, if that is encrypted
)

// Box says where the job's box is.
type Box struct {
	Address string `json:"address"` // host, without port
	Name    string `json:"name"`
}

// Layout is what the sequence made of the disk.
type Layout struct {
	Device string `json:"device"` // /dev/vda
	// Named is the number of the disk that the step itself names, whatever a variable says; nil where it selects the disk.
	Named   *int     `json:"named,omitempty"`
	Style   string   `json:"style"`
	Volumes []Volume `json:"volumes"`
	// Target is the volume that takes the operating system.
	Target string `json:"target,omitempty"`
	// Applied says that there is one on it.
	Applied bool `json:"applied,omitempty"`
}

// Volume is one volume of a Layout.
type Volume struct {
	Device     string `json:"device"` // /dev/vda2, /dev/mapper/bootward-vda3
	Name       string `json:"name,omitempty"`
	Type       string `json:"type"`
	FileSystem string `json:"fileSystem,omitempty"`
	UUID       string `json:"uuid,omitempty"`
	PartUUID   string `json:"partUUID,omitempty"`
	Variable   string `json:"variable,omitempty"`
	MountPoint string `json:"mountPoint,omitempty"` // in the installed system
	// Encrypted volumes have the UUID of their LUKS2 header in LUKS; swap has none.
	Encrypted bool   `json:"encrypted,omitempty"`
	LUKS      string `json:"luks,omitempty"`
	// Unlock describes the temporary key of a volume that takes the operating system.
	Unlock *unlock.Volume `json:"unlock,omitempty"`
}

// Boot is the volume that the installed system mounts at /boot; nil if there is none.
func (l Layout) Boot() *Volume {
	for i := range l.Volumes {
		if l.Volumes[i].MountPoint == "/boot" {
			return &l.Volumes[i]
		}
	}
	return nil
}

// Folder is an open job folder. It is safe for concurrent use.
type Folder struct {
	mu  sync.RWMutex
	dir string
}

// Create makes an empty folder; what was there is removed.
func Create(dir string) (*Folder, error) {
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+contentSuffix)); err != nil {
		return nil, fmt.Errorf("job folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("job folder: %w", err)
	}
	return &Folder{dir: dir}, nil
}

// Open opens a folder that holds a job.
func Open(dir string) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(dir, FileJob)); err != nil {
		return nil, fmt.Errorf("job folder %s holds no job: %w", dir, err)
	}
	return &Folder{dir: dir}, nil
}

// Dir is where the folder is now.
func (f *Folder) Dir() string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.dir
}

// contentSuffix makes the name of the folder beside the job's folder.
const contentSuffix = "Content"

// Content is where steps put what they download: beside the folder, on the same volume, since
// programs that do not run as root must come to their files. It goes with the folder.
func (f *Folder) Content() string { return f.Dir() + contentSuffix }

// DropContent removes what steps downloaded.
func (f *Folder) DropContent() error {
	if err := os.RemoveAll(f.Content()); err != nil {
		return fmt.Errorf("remove what the job downloaded: %w", err)
	}
	return nil
}

// Read reads a file.
func (f *Folder) Read(name string) ([]byte, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return os.ReadFile(filepath.Join(f.dir, name))
}

// Write puts a file in place: whole or not at all, also when power is cut.
func (f *Folder) Write(name string, data []byte) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if err := durable.Write(filepath.Join(f.dir, name), data, 0o600); err != nil {
		return fmt.Errorf("job folder: %w", err)
	}
	return nil
}

// ReadJSON reads a file into v.
func (f *Folder) ReadJSON(name string, v any) error {
	b, err := f.Read(name)
	if err != nil {
		return fmt.Errorf("job folder: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("job folder: %s: %w", name, err)
	}
	return nil
}

// WriteJSON writes v as a file.
func (f *Folder) WriteJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("job folder: %s: %w", name, err)
	}
	return f.Write(name, b)
}

// Append adds a line to a file and returns when it is on stable storage.
func (f *Folder) Append(name string, line []byte) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("job folder: %w", err)
	}
	_, err = file.Write(append(line[:len(line):len(line)], '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("job folder: %w", err)
	}
	return nil
}

// Move takes the folder to another place and removes it from the old one. What was downloaded
// stays where it is.
// Writers wait meanwhile; after an error everything is as it was.
func (f *Folder) Move(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	fail := func(err error) error {
		return errors.Join(fmt.Errorf("move the job folder to %s: %w", dir, err), os.RemoveAll(dir))
	}
	if err := os.RemoveAll(dir); err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return fail(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(f.dir, e.Name()))
		if err == nil {
			err = durable.Write(filepath.Join(dir, e.Name()), b, 0o600)
		}
		if err != nil {
			return fail(err)
		}
	}
	if err := durable.SyncFolder(filepath.Dir(dir)); err != nil {
		return fail(err)
	}
	old := f.dir
	f.dir = dir
	return os.RemoveAll(old)
}

// Remove deletes the folder, first what is secret.
func (f *Folder) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(removeIfThere(filepath.Join(f.dir, FileKey)), removeIfThere(filepath.Join(f.dir, FileState)),
		os.RemoveAll(f.dir+contentSuffix), os.RemoveAll(f.dir), durable.SyncFolder(filepath.Dir(f.dir)))
	if err != nil {
		return fmt.Errorf("remove the job folder: %w", err)
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
