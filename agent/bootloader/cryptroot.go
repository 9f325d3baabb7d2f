package bootloader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bootward/bootward/agent/tree"
	"github.com/bootward/bootward/agent/unlock"
	"github.com/bootward/bootward/diskfs/tool"
)

// What an image needs so that its initramfs opens an encrypted root.
const (
	CryptHook   = "usr/share/initramfs-tools/hooks/cryptroot"
	NoCryptHook = "the system is on an encrypted volume, and the image has nothing to open it at its start (/" + CryptHook + "): put the package cryptsetup-initramfs into the image"
)

const (
	updateInitramfs = "/usr/sbin/update-initramfs"
	listInitramfs   = "/usr/bin/lsinitramfs"
	// unlockScript and unlockHook stay in the system: an initramfs of a later kernel holds them too.
	unlockScript = "etc/initramfs-tools/unlock-root"
	unlockHook   = "etc/initramfs-tools/hooks/unlock-root"
)

// script is the keyscript of the root volume (crypttab(5)), run in the initramfs. While a
// deployment's temporary key lies on /boot it opens the volume; without it, or when it opens nothing, all consoles
// ask: askpass alone asks at the last one of the kernel's, which may be a serial port that nobody sees.
// %[1]s is the UUID of the file system of /boot, %[2]s the key's file.
const script = `#!/bin/sh
# Written by the deployment: prints the key of the root volume.
unset IFS
key() {
	dir=/run/unlock-root
	mkdir -p -m 0700 "$dir" || return 1
	for waits in 1 2 3 4 5 6 7 8 9 10; do # the kernel may show the root's volume before that of /boot
		[ -e /dev/disk/by-uuid/%[1]s ] && break
		sleep 1
	done
	mount -t ext4 -o ro,nosuid,nodev,noexec /dev/disk/by-uuid/%[1]s "$dir" 2>/dev/null || { rmdir "$dir"; return 1; }
	found=1
	if [ -s "$dir/%[2]s" ]; then
		echo "The temporary key of the deployment opens the disk." >&2
		cat "$dir/%[2]s"
		found=$?
	fi
	umount "$dir"
	rmdir "$dir"
	return $found
}
if [ "${CRYPTTAB_TRIED:-0}" = 0 ] && key; then
	exit 0
fi
askpass=/lib/cryptsetup/askpass
prompt="Passphrase of this machine's disk: "
consoles=$(cat /sys/class/tty/console/active 2>/dev/null)
case "$consoles" in *" "*) ;; *) exec "$askpass" "$prompt" ;; esac
if command -v plymouth >/dev/null && plymouth --ping; then
	exec "$askpass" "$prompt"
fi
pipe=/run/unlock-root.pipe
rm -f "$pipe"
mkfifo -m 0600 "$pipe" || exec "$askpass" "$prompt"
exec 3<>"$pipe"
rm -f "$pipe"
asking=
for console in $consoles; do
	(
		while typed=$("$askpass" "$prompt" <"/dev/$console" 2>"/dev/$console" 3>&-); do
			[ -z "$typed" ] || printf '%%s\n' "$typed" >&3
			sleep 1
		done
	) &
	asking="$asking $!"
done
IFS= read -r typed <&3
kill -9 $asking $(pidof askpass) 2>/dev/null # askpass blocks all other signals
for console in $consoles; do
	stty echo <"/dev/$console" 2>/dev/null
done
printf %%s "$typed"
`

// hook puts into the initramfs what the script needs, whatever modules it has otherwise. %[1]s is the
// file system of the root.
const hook = `#!/bin/sh
# Written by the deployment: see /` + unlockScript + `
case "$1" in prereqs) exit 0 ;; esac
. /usr/share/initramfs-tools/hook-functions
manual_add_modules ext4 %[1]s dm_mod dm_crypt aes_generic sha256_generic ecb xts af_alg algif_skcipher
copy_exec /lib/cryptsetup/askpass
`

// root is the volume at /.
func (s System) root() Volume { return *s.at("/") }

// checkSealed refuses an encrypted root whose kernel the boot loader could not read.
func (s System) checkSealed() error {
	boot := s.at("/boot")
	switch {
	case s.root().LUKS == "":
		return nil
	case boot == nil || boot.LUKS+boot.RandomKey != "":
		return errors.New("the system is on an encrypted volume, and no open volume is mounted at /boot; add one to the partition step")
	}
	return nil
}

// ableSealed refuses a system that could not open its encrypted root.
func ableSealed(root *os.Root) error {
	for _, name := range []string{CryptHook, updateInitramfs[1:]} {
		if _, err := tree.Stat(root, name); err != nil {
			return fmt.Errorf("%s: %w", NoCryptHook, err)
		}
	}
	if _, err := tree.Stat(root, listInitramfs[1:]); err != nil {
		return fmt.Errorf("the system is on an encrypted volume, and the image has no initramfs-tools: %w", err)
	}
	return nil
}

// writeSealed writes keyscript and hook.
func writeSealed(root *os.Root, s System) error {
	if s.root().LUKS == "" {
		return nil
	}
	text := fmt.Sprintf(script, s.at("/boot").UUID, unlock.File)
	return errors.Join(
		tree.Copy(root, unlockScript, 0o755, strings.NewReader(text)),
		tree.Copy(root, unlockHook, 0o755, strings.NewReader(fmt.Sprintf(hook, s.root().FileSystem))),
	)
}

// initramfs makes those of the kernels anew, with what opens the root, and looks into them: what
// is missing there would strand the machine behind its restart.
func (in Installer) initramfs(ctx context.Context, s System, kernels []Kernel) error {
	return in.inside(s, func() error {
		for _, k := range kernels {
			in.say("make the initramfs of kernel " + k.Version + ", which opens the encrypted volume")
			err := in.Runner.Run(ctx, tool.Command{Path: updateInitramfs, Args: []string{"-u", "-k", k.Version}, Root: s.Root})
			if err != nil {
				return err
			}
			var list bytes.Buffer
			err = in.Runner.Run(ctx, tool.Command{Path: listInitramfs, Args: []string{"/boot/" + k.Initrd}, Root: s.Root,
				Line: func(line string) { list.WriteString(line + "\n") }})
			if err != nil {
				return err
			}
			if missing := lacks(list.String()); len(missing) > 0 {
				return fmt.Errorf("initramfs of kernel %s: it lacks %s, without which it does not open the encrypted root", k.Version, strings.Join(missing, ", "))
			}
		}
		return nil
	})
}

// lacks lists what an initramfs does not have, given the files that it has.
func lacks(list string) []string {
	names := strings.Fields(list)
	var out []string
	for _, name := range []string{"cryptroot/crypttab", unlockScript, "lib/cryptsetup/askpass", "sbin/cryptsetup", "scripts/local-top/cryptroot"} {
		if !slices.ContainsFunc(names, func(have string) bool { return have == name || strings.HasSuffix(have, "/"+name) }) {
			out = append(out, name)
		}
	}
	return out
}
