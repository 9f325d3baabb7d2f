// Package unlock keeps the temporary key of an encrypted system volume: it lies in the open on
// the volume of /boot while a job runs, so that the machine restarts unattended, and is taken away
// at the end of the job. As long as it lies there, the disk is not protected.
//
// First its key slot is destroyed, then its file. Power may be cut anywhere: a record in the
// encrypted system says that the work is not done. The slot is never destroyed when no other key
// opens the volume. It knows nothing of jobs.
package unlock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bootward/bootward/diskfs"
	"github.com/bootward/bootward/internal/durable"
)

const (
	// File is the key, on the volume of /boot.
	File = "bootward-unlock.key"
	// Record says, in the encrypted system, that there is such a key.
	Record = "var/lib/bootward/unlock.json"
)

// Volume is an encrypted volume that a temporary key opens. It holds no secret.
type Volume struct {
	LUKS       string      `json:"luks"` // UUID of the header
	Passphrase diskfs.Slot `json:"passphrase"`
	Temporary  diskfs.Slot `json:"temporary"`
}

// Put lays the key into the system at root, behind its record. The volume of /boot is mounted there.
func Put(root string, v Volume, key []byte) error {
	record, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("temporary key: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(Record)), 0o755); err != nil {
		return fmt.Errorf("temporary key: %w", err)
	}
	if err := durable.Write(filepath.Join(root, Record), record, 0o600); err != nil {
		return fmt.Errorf("temporary key: %w", err)
	}
	if err := durable.Write(filepath.Join(root, "boot", File), key, 0o400); err != nil {
		return errors.Join(fmt.Errorf("temporary key: %w", err), Withdraw(root))
	}
	return nil
}

// Withdraw takes the file of the key and its record away. The slot stays, and nobody has its key.
func Withdraw(root string) error {
	return errors.Join(shred(filepath.Join(root, "boot", File)), remove(filepath.Join(root, Record)))
}

// Remover takes the temporary key of a running system away.
type Remover struct {
	Root    string // /
	Devices string // /dev/disk/by-uuid
	Tools   diskfs.Tools
}

// Remove is true when there was a key and it is gone now, the slot first. It may be repeated.
func (r Remover) Remove(ctx context.Context) (gone bool, err error) {
	raw, err := os.ReadFile(filepath.Join(r.Root, Record))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var v Volume
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err == nil && (v.LUKS == "" || strings.Contains(v.LUKS, "/") || v.Temporary.Salt == "") {
		err = errors.New("it names no volume")
	}
	if err != nil {
		return false, fmt.Errorf("read the record of the temporary key, /%s: %w", Record, err)
	}
	if err := r.kill(ctx, v); err != nil {
		return false, fmt.Errorf("remove the temporary key of volume %s: %w", v.LUKS, err)
	}
	if err := Withdraw(r.Root); err != nil {
		return false, fmt.Errorf("remove the temporary key: %w", err)
	}
	return true, nil
}

// kill destroys the slot, and looks at the header again: it must not say that the slot is there.
func (r Remover) kill(ctx context.Context, v Volume) error {
	device := filepath.Join(r.Devices, v.LUKS)
	slots, err := r.Tools.Slots(ctx, device)
	if err != nil {
		return err
	}
	n, err := v.doomed(slots)
	if err != nil || n < 0 {
		return err
	}
	if err := r.Tools.KillSlot(ctx, device, n); err != nil {
		return err
	}
	if slots, err = r.Tools.Slots(ctx, device); err != nil {
		return err
	}
	if n, err = v.doomed(slots); err == nil && n >= 0 {
		err = fmt.Errorf("key slot %d is still there: the disk does not keep what is written to it", n)
	}
	return err
}

// doomed is the number of the slot of the temporary key, -1 if it is gone. It is an error when no
// other key is sure to open the volume: a slot that is still that of the deployment's passphrase
// must hold what it held when that passphrase opened it. Other slots and other passphrases
// were made by somebody who knows them.
func (v Volume) doomed(slots []diskfs.Slot) (int, error) {
	temporary := func(s diskfs.Slot) bool { return s.Salt == v.Temporary.Salt }
	if !slices.ContainsFunc(slots, func(s diskfs.Slot) bool {
		return !temporary(s) && (s.Salt != v.Passphrase.Salt || s.Digest == v.Passphrase.Digest)
	}) {
		return -1, errors.New("no other key is sure to open the volume: the slot of its passphrase is gone or damaged, so nothing was removed; add a passphrase with `cryptsetup luksAddKey`, or deploy the machine again")
	}
	if i := slices.IndexFunc(slots, temporary); i >= 0 {
		return slots[i].Number, nil
	}
	return -1, nil
}

// shred overwrites a file and removes it.
func shred(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, info.Size()))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("overwrite %s: %w", path, err)
	}
	return remove(path)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}
