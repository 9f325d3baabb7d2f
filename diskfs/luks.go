package diskfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/bootward/bootward/diskfs/tool"
)

// LUKSHeader is what a LUKS2 volume has less for its file system, in bytes.
const LUKSHeader = 16 << 20

// maxPassphrase is how much cryptsetup reads from a terminal: who types a longer
// passphrase at the machine cannot open the volume.
const maxPassphrase = 512

// Passphrase opens an encrypted volume. It prints as stars.
type Passphrase string

// String implements fmt.Stringer.
func (Passphrase) String() string { return "********" }

// GoString implements fmt.GoStringer.
func (Passphrase) GoString() string { return "********" }

// checkEncryption refuses what cannot be encrypted, and a passphrase that could not be
// typed. Its errors show none.
func (v Volume) checkEncryption() error {
	p := string(v.Passphrase)
	switch {
	case !v.Encrypted && p != "":
		return errors.New("it has a passphrase and is not encrypted")
	case !v.Encrypted:
		return nil
	case v.Type != Primary && v.Type != Logical || v.FileSystem != Ext4 && v.FileSystem != XFS && v.FileSystem != Swap:
		return fmt.Errorf("type %s with file system %q cannot be encrypted: want a primary or logical volume with ext4, xfs or swap", v.Type, v.FileSystem)
	case v.FileSystem == Swap && p != "":
		return errors.New("encrypted swap gets a new key at each start and takes no passphrase")
	case v.FileSystem == Swap:
		return nil
	case p == "" || len(p) > maxPassphrase || strings.ContainsFunc(p, unicode.IsControl):
		return fmt.Errorf("the passphrase has %d bytes: want 1 to %d without control characters, so that it can be typed at the machine", len(p), maxPassphrase)
	}
	return nil
}

// pbkdf makes the key of a passphrase: argon2id with the second choice of RFC 9106,
// section 4 (64 MiB, 4 lanes; the fewest passes that cryptsetup takes are 4). It is not
// measured: what a fast machine with much memory chooses, a small one opens slowly or
// not at all, and the disk may move.
func pbkdf() []string {
	return []string{"--pbkdf", "argon2id", "--pbkdf-memory", "65536", "--pbkdf-parallel", "4", "--pbkdf-force-iterations", "4"}
}

// Encrypt makes the target a LUKS2 volume, opens it as /dev/mapper/NAME, and returns
// where its content is and the UUID of its header. What was there is lost. The
// passphrase goes to cryptsetup by its standard input.
func (t Tools) Encrypt(ctx context.Context, at Target, name string, p Passphrase) (Target, string, error) {
	fail := func(err error) (Target, string, error) {
		return Target{}, "", fmt.Errorf("encrypt %s: %w", at.Path, err)
	}
	if at.Offset > 0 {
		return fail(noOffset(Cryptsetup, at))
	}
	args := append([]string{"luksFormat", "--type", "luks2", "--batch-mode", "--key-file=-", "--key-slot", passphraseSlot, "--sector-size", strconv.Itoa(at.SectorSize)}, pbkdf()...)
	if err := t.cryptsetup(ctx, p, append(args, at.Path)...); err != nil {
		return fail(err)
	}
	uuid, err := luksUUID(at)
	if err != nil {
		return fail(err)
	}
	if err := t.cryptsetup(ctx, p, "open", "--type", "luks2", "--key-file=-", at.Path, name); err != nil {
		return fail(err)
	}
	inner := Target{Path: "/dev/mapper/" + name, Length: at.Length - LUKSHeader, SectorSize: at.SectorSize, PartUUID: at.PartUUID}
	if err := waitNode(ctx, inner.Path); err != nil {
		return fail(err)
	}
	return inner, uuid, nil
}

// CloseMapping closes what Encrypt opened.
func (t Tools) CloseMapping(ctx context.Context, name string) error {
	if err := t.cryptsetup(ctx, "", "close", name); err != nil {
		return fmt.Errorf("close encrypted volume %s: %w", name, err)
	}
	return nil
}

// cryptsetup runs without udev, which the boot image does not have.
func (t Tools) cryptsetup(ctx context.Context, p Passphrase, args ...string) error {
	return t.cryptsetupLines(ctx, p, nil, args...)
}

func (t Tools) cryptsetupLines(ctx context.Context, p Passphrase, line func(string), args ...string) error {
	env := t.Env
	if env == nil {
		env = tool.DefaultEnv()
	}
	return t.Runner.Run(ctx, tool.Command{Path: Cryptsetup, Args: args, Input: []byte(p), Line: line, Env: append(env[:len(env):len(env)], "DM_DISABLE_UDEV=1")})
}

// luksUUID reads the UUID out of a LUKS2 header (LUKS2 On-Disk Format, 2.1).
func luksUUID(at Target) (string, error) {
	f, err := os.Open(at.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 256)
	if _, err := f.ReadAt(head, at.Offset); err != nil {
		return "", fmt.Errorf("read the header: %w", err)
	}
	uuid := text(head[168:208])
	if string(head[:8]) != "LUKS\xba\xbe\x00\x02" || len(uuid) != 36 {
		return "", errors.New("no LUKS2 header was read back; the disk does not keep what is written to it")
	}
	return uuid, nil
}
