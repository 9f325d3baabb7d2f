package diskfs

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/bootward/bootward/diskfs/tool"
)

const testPassphrase = "correct horse battery"

// TestEncrypt makes a LUKS2 header with the real cryptsetup, and opens it with the
// passphrase. Only the mapping is not made: that takes a kernel with dm-crypt.
func TestEncrypt(t *testing.T) {
	path := image(t, 64*mib)
	var calls []string
	runner := tool.Func(func(ctx context.Context, c tool.Command) error {
		calls = append(calls, c.String())
		if !slices.Contains(c.Env, "DM_DISABLE_UDEV=1") {
			t.Errorf("%s waits for udev", c)
		}
		if c.Args[0] == "open" {
			c.Args = slices.Insert(slices.Clone(c.Args[:len(c.Args)-1]), 1, "--test-passphrase")
		}
		return tool.Exec{}.Run(ctx, c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel2 := tool.Func(func(_ context.Context, c tool.Command) error {
		err := runner(t.Context(), c)
		if c.Args[0] == "open" {
			cancel() // the node will not come
		}
		return err
	})
	_, _, err := Tools{Runner: cancel2}.Encrypt(ctx, Target{Path: path, Length: 64 * mib, SectorSize: 512}, "bootward-test", testPassphrase)
	if err == nil || !strings.Contains(err.Error(), "/dev/mapper/bootward-test") || strings.Contains(err.Error(), testPassphrase) {
		t.Errorf("got %v", err)
	}
	if len(calls) != 2 || strings.Contains(strings.Join(calls, " "), testPassphrase) {
		t.Errorf("calls %q", calls)
	}
	wants(t, run(t, "cryptsetup", "luksDump", path), "Version:       	2", "aes-xts-plain64", "argon2id", "Memory:     65536", "Time cost:  4", "offset: 16777216 [bytes]")
	uuid, err := luksUUID(Target{Path: path})
	if err != nil || strings.TrimSpace(run(t, "cryptsetup", "luksUUID", path)) != uuid {
		t.Errorf("UUID %q, %v", uuid, err)
	}
	// As systemd does at start: typed, without a line end.
	cmd := exec.Command("cryptsetup", "open", "--test-passphrase", "--key-file=-", path)
	cmd.Stdin = strings.NewReader(testPassphrase)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPassphraseIsNotShown(t *testing.T) {
	v := Volume{Name: "data", Encrypted: true, Passphrase: testPassphrase}
	for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v.Passphrase), fmt.Sprintf("%q", v.Passphrase)} {
		if strings.Contains(text, testPassphrase) {
			t.Errorf("shown in %s", text)
		}
	}
}

func TestEncryptionRefused(t *testing.T) {
	g := Geometry{4 * gib, 512}
	for _, tt := range []struct {
		v    Volume
		want string
	}{
		{Volume{Type: Primary, FileSystem: Ext4, Passphrase: "p"}, "is not encrypted"},
		{Volume{Type: Primary, FileSystem: NTFS, Encrypted: true, Passphrase: "p"}, "want a primary or logical volume"},
		{Volume{Type: EFI, FileSystem: FAT32, Encrypted: true, Passphrase: "p"}, "want a primary or logical volume"},
		{Volume{Type: Primary, FileSystem: Swap, Encrypted: true, Passphrase: "p"}, "takes no passphrase"},
		{Volume{Type: Primary, FileSystem: Ext4, Encrypted: true}, "has 0 bytes"},
		{Volume{Type: Primary, FileSystem: Ext4, Encrypted: true, Passphrase: "two\nlines"}, "control characters"},
		{Volume{Type: Primary, FileSystem: XFS, Encrypted: true, Passphrase: Passphrase(strings.Repeat("x", 513))}, "has 513 bytes"},
		{Volume{Type: Primary, FileSystem: XFS, Encrypted: true, Passphrase: "p", Size: "310MiB"}, "at least 316 MiB"},
	} {
		if tt.v.Size == "" {
			tt.v.Size = "1GiB"
		}
		if _, err := Plan(GPT, g, []Volume{tt.v}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.v, err)
		}
	}
	l, err := Plan(GPT, g, []Volume{{Type: Primary, FileSystem: Ext4, Encrypted: true, Passphrase: "p", Size: "1GiB"}, {Type: Primary, FileSystem: Swap, Encrypted: true, Size: "1GiB"}})
	if err != nil || l.Partitions[0].TypeGUID[:8] != "CA7D7CCB" || l.Partitions[1].TypeGUID[:8] != "7FFEC5C9" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestReady: a program that is missing is named before anything is written.
func TestReady(t *testing.T) {
	volumes := []Volume{{Type: Primary, FileSystem: Ext4}, {Name: "data", Type: Primary, FileSystem: XFS, Encrypted: true, Passphrase: "p"}, {FileSystem: NTFS}, {FileSystem: Swap, Encrypted: true}}
	if err := (Tools{Runner: tool.Exec{}}).Ready(t.Context(), volumes); err != nil {
		t.Error(err)
	}
	missing := tool.Func(func(_ context.Context, c tool.Command) error {
		if c.Path == MkfsXFS {
			return fmt.Errorf("there is no %s", c.Path)
		}
		return nil
	})
	if err := (Tools{Runner: missing}).Ready(t.Context(), volumes); err == nil || !strings.Contains(err.Error(), `volume "data" cannot be made here: there is no mkfs.xfs`) {
		t.Errorf("got %v", err)
	}
}
