package diskfs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The key slots of a volume that two keys open.
const (
	passphraseSlot = "0"
	unlockSlot     = "1"
)

// Slot is a key slot of a LUKS2 volume that opens its content.
type Slot struct {
	Number int `json:"number"`
	// Salt is that of the slot's key; a new key has a new one.
	Salt string `json:"salt"`
	// Digest is that of the key material as it is on the disk: SHA-256, hexadecimal.
	Digest string `json:"digest"`
}

// AddKey gives a volume that Encrypt made a second key, and returns the slots of the passphrase
// and of that key, in this order. The key is random and long, so making it slow to try would
// protect nothing. Both go to cryptsetup by one standard input, which it opens twice.
func (t Tools) AddKey(ctx context.Context, at Target, p, key Passphrase) ([]Slot, error) {
	fail := func(err error) ([]Slot, error) {
		return nil, fmt.Errorf("add a key to %s: %w", at.Path, err)
	}
	err := t.cryptsetup(ctx, p+key, "luksAddKey", "--batch-mode", "--key-file=-", "--keyfile-size", strconv.Itoa(len(p)),
		"--key-slot", unlockSlot, "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", at.Path, "/proc/self/fd/0")
	if err != nil {
		return fail(err)
	}
	err = t.cryptsetup(ctx, key, "open", "--test-passphrase", "--type", "luks2", "--key-slot", unlockSlot, "--key-file=-", at.Path)
	if err != nil {
		return fail(err)
	}
	slots, err := t.Slots(ctx, at.Path)
	if err != nil {
		return fail(err)
	}
	if len(slots) != 2 || strconv.Itoa(slots[0].Number) != passphraseSlot || strconv.Itoa(slots[1].Number) != unlockSlot {
		return fail(fmt.Errorf("its header has %d key slots, want those of two keys", len(slots)))
	}
	return slots, nil
}

// Slots lists the key slots of a LUKS2 volume by their numbers (LUKS2 On-Disk Format, 3.2).
// Those that open nothing are left out.
func (t Tools) Slots(ctx context.Context, path string) ([]Slot, error) {
	var dump strings.Builder
	err := t.cryptsetupLines(ctx, "", func(line string) { dump.WriteString(line + "\n") }, "luksDump", "--dump-json-metadata", path)
	if err != nil {
		return nil, fmt.Errorf("key slots of %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key slots of %s: %w", path, err)
	}
	defer f.Close()
	slots, err := readSlots(f, []byte(dump.String()))
	if err != nil {
		return nil, fmt.Errorf("key slots of %s: %w", path, err)
	}
	return slots, nil
}

// luksMetadata is what is read of the JSON area of a LUKS2 header. Numbers of 64 bits are strings.
type luksMetadata struct {
	Keyslots map[string]struct {
		Area struct {
			Offset int64 `json:",string"`
			Size   int64 `json:",string"`
		}
		KDF struct{ Salt string }
	}
	Digests map[string]struct{ Keyslots, Segments []string }
}

// maxArea bounds the key material of a slot: 4,000 stripes of a key of 512 bytes.
const maxArea = 4 << 20

func readSlots(disk io.ReaderAt, metadata []byte) ([]Slot, error) {
	var m luksMetadata
	_, metadata, _ = bytes.Cut(metadata, []byte("{")) // behind warnings
	if err := json.NewDecoder(io.MultiReader(strings.NewReader("{"), bytes.NewReader(metadata))).Decode(&m); err != nil {
		return nil, fmt.Errorf("read its header: %w", err)
	}
	var out []Slot
	for name, s := range m.Keyslots {
		opens := false
		for _, d := range m.Digests {
			opens = opens || len(d.Segments) > 0 && slices.Contains(d.Keyslots, name)
		}
		if !opens {
			continue
		}
		n, err := strconv.Atoi(name)
		if err != nil || s.Area.Size < 1 || s.Area.Size > maxArea || s.KDF.Salt == "" {
			return nil, fmt.Errorf("read its header: key slot %q is not one of LUKS2", name)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, io.NewSectionReader(disk, s.Area.Offset, s.Area.Size)); err != nil {
			return nil, fmt.Errorf("read key slot %d: %w", n, err)
		}
		out = append(out, Slot{n, s.KDF.Salt, hex.EncodeToString(sum.Sum(nil))})
	}
	slices.SortFunc(out, func(a, b Slot) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// KillSlot makes the key of a slot useless: its material is overwritten. It does not ask whether
// another key opens the volume.
func (t Tools) KillSlot(ctx context.Context, path string, number int) error {
	if err := t.cryptsetup(ctx, "", "luksKillSlot", "--batch-mode", path, strconv.Itoa(number)); err != nil {
		return fmt.Errorf("remove key slot %d of %s: %w", number, path, err)
	}
	return nil
}
