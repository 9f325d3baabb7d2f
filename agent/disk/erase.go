package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootward/bootward/diskfs"
)

// Permit is the permission to destroy what is on a disk. The engine makes one
// from a grant that this job claimed. Allow returns nil only if the grant is
// claimed, not over, and covers this disk; it is asked anew before every write
// and may be called from any goroutine.
//
// Without a Permit no sector is written: this package has no other door to
// partitioning and formatting, and the rest of the agent has none at all.
type Permit interface {
	Allow(d Disk) error
}

// ErrNoPermit says that a destructive call came without permission.
var ErrNoPermit = errors.New("no permit: nothing was written; the job needs a claimed grant for this machine")

// ErrChanged says that the disk is not the one that was selected any more.
var ErrChanged = errors.New("the disk changed since it was selected: nothing was written")

// Eraser partitions and formats disks.
type Eraser struct {
	// Rescan lists the disks anew, as Scan does, with what is known of the boot
	// medium; it is called before every write.
	Rescan func() ([]Disk, error)
	Tools  diskfs.Tools
}

// Prepared is a volume after it was partitioned and formatted.
type Prepared struct {
	Volume    diskfs.Volume
	Target    diskfs.Target
	Signature diskfs.Signature // zero if the volume has no file system
	LUKS      string           // UUID of its LUKS2 header, if it is encrypted by a passphrase
	Slots     []diskfs.Slot    // those of the passphrase and of the second key, if it has one
}

// Device is the node to mount: /dev/vda1, or /dev/mapper/bootward-vda1.
func (p Prepared) Device() string { return p.Target.Path }

// Prepare plans the layout, asks the permit, makes sure that the disk is still
// the selected one, writes the partition table and formats the volumes. All that
// was on the disk is lost. A layout that does not fit, and one that needs a program
// which is not here, is refused before anything is written. Encrypted volumes of an
// earlier call are closed. Step, if not nil, is told in words what is done next.
func (e Eraser) Prepare(ctx context.Context, permit Permit, d Disk, style diskfs.Style, volumes []diskfs.Volume, step func(string)) ([]Prepared, error) {
	layout, err := diskfs.Plan(style, d.Geometry(), volumes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	say := func(format string, args ...any) {
		if step != nil {
			step(fmt.Sprintf(format, args...))
		}
	}
	if err := e.Tools.Ready(ctx, volumes); err != nil {
		return nil, fmt.Errorf("%s: nothing was written: %w", d.Name, err)
	}
	if err := e.allow(permit, d); err != nil {
		return nil, err
	}
	if err := e.release(ctx, d); err != nil {
		return nil, err
	}
	say("partition %s (%s), %d volumes", d.Name, style, len(volumes))
	targets, err := diskfs.Write(ctx, d.Device(), layout)
	if err != nil {
		return nil, err
	}
	var out []Prepared
	for i, target := range targets {
		v := volumes[i]
		if v.FileSystem != "" {
			say("format %s %q as %s, %s", target.Path, v.Name, v.FileSystem, diskfs.Bytes(target.Length))
		}
		if err := e.allow(permit, d); err != nil {
			return nil, err
		}
		p, err := e.make(ctx, target, v)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// make encrypts and formats one volume.
func (e Eraser) make(ctx context.Context, target diskfs.Target, v diskfs.Volume) (Prepared, error) {
	p := Prepared{Volume: v, Target: target}
	var err error
	if v.Passphrase != "" {
		if p.Target, p.LUKS, err = e.Tools.Encrypt(ctx, target, mappingPrefix+filepath.Base(target.Path), v.Passphrase); err != nil {
			return p, err
		}
		if v.Unlock != "" {
			if p.Slots, err = e.Tools.AddKey(ctx, target, v.Passphrase, v.Unlock); err != nil {
				return p, err
			}
		}
		p.Volume.Passphrase, p.Volume.Unlock = "", "" // not needed any more
	}
	p.Signature, err = diskfs.Format(ctx, e.Tools, p.Target, v)
	return p, err
}

// mappingPrefix begins the names of encrypted volumes that this package opens.
const mappingPrefix = "bootward-"

// release closes the encrypted volumes of an earlier call on the disk, which would keep
// it busy. Mappings of others are left alone: then the disk is refused.
func (e Eraser) release(ctx context.Context, d Disk) error {
	names, err := filepath.Glob("/sys/class/block/" + d.Name + "/*/holders/*/dm/name")
	if err != nil {
		return err
	}
	for _, file := range names {
		raw, err := os.ReadFile(file)
		name := strings.TrimSpace(string(raw))
		if err != nil || !strings.HasPrefix(name, mappingPrefix) {
			continue
		}
		if err := e.Tools.CloseMapping(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// allow is the one gate: the disk is a candidate, it is the selected one, and
// the permit covers it.
func (e Eraser) allow(permit Permit, d Disk) error {
	if permit == nil {
		return fmt.Errorf("write to %s: %w", d.Name, ErrNoPermit)
	}
	if why := d.Excluded(); why != "" {
		return fmt.Errorf("write to %s: refused, %s", d.Name, why)
	}
	now, err := e.Rescan()
	if err != nil {
		return err
	}
	for _, n := range now {
		if n.Name != d.Name {
			continue
		}
		if n != d {
			return fmt.Errorf("write to %s: %w: was %s, is %s", d.Name, ErrChanged, d, n)
		}
		if err := permit.Allow(d); err != nil {
			return fmt.Errorf("write to %s: not permitted, nothing was written: %w", d.Name, err)
		}
		return nil
	}
	return fmt.Errorf("write to %s: %w: it is gone", d.Name, ErrChanged)
}
