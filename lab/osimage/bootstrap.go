package osimage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
)

// builder is one run of Build.
type builder struct {
	Options
	sources []Source
	epoch   time.Time // of files whose time the build decides
	began   time.Time
}

func (b *builder) tell(stage string, done, total int64) {
	if b.Progress != nil {
		unit := "packages"
		if stage == stageCapture {
			unit = "MiB"
		}
		b.Progress(Event{Stage: stage, Done: done, Total: total, Unit: unit})
	}
}

// bootstrap has mmdebstrap make the tree.
func (b *builder) bootstrap(ctx context.Context, work, tree string) error {
	list := filepath.Join(work, "debian.sources")
	if err := os.WriteFile(list, Render(b.sources), 0o644); err != nil {
		return err
	}
	proxy, err := b.aptOptions(ctx)
	if err != nil {
		return err
	}
	b.tell("package lists", 0, 0)
	watch := installWatch{tell: b.tell}
	return b.Runner.Run(ctx, tool.Command{
		Path: "mmdebstrap",
		Args: append(arguments(b.Recipe, proxy), b.Recipe.Suite, tree, list),
		Env:  append(tool.DefaultEnv(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(b.epoch.Unix(), 10)),
		Line: watch.line,
	})
}

// aptOptions reads how the host's apt reaches its sources (proxies, dates).
func (b *builder) aptOptions(ctx context.Context) ([]string, error) {
	var out []string
	err := b.Runner.Run(ctx, tool.Command{
		Path: "apt-config", Args: []string{"dump", "--format", `%f "%v";%n`, "Acquire"},
		Line: func(line string) {
			for _, prefix := range []string{"Acquire::http", "Acquire::https", "Acquire::Check-"} {
				if strings.HasPrefix(line, prefix) && !strings.HasSuffix(line, ` "";`) {
					out = append(out, strings.TrimSuffix(line, ";"))
					return
				}
			}
		},
	})
	return out, err
}

// arguments of mmdebstrap, without suite, target and sources. The initramfs is
// made once at the end instead of by every package that asks for it; the usrmerge
// package, which would drag in perl, is kept out by merging /usr beforehand.
func arguments(r Recipe, aptOptions []string) []string {
	const (
		hooks = "/usr/share/mmdebstrap/hooks/merged-usr"
		pin   = `mkdir -p "$1/etc/apt/preferences.d"; printf 'Package: usrmerge\nPin: release *\nPin-Priority: -1\n' > "$1/etc/apt/preferences.d/build"`
		hold  = `chroot "$1" dpkg-divert --quiet --local --rename --add /usr/sbin/update-initramfs && ln -s /bin/true "$1/usr/sbin/update-initramfs"`
		free  = `chmod 755 "$1/etc/initramfs-tools/hooks/modules"; echo MODULES=list > "$1/etc/initramfs-tools/conf.d/modules"; rm "$1/usr/sbin/update-initramfs" "$1/etc/apt/preferences.d/build" && chroot "$1" dpkg-divert --quiet --local --rename --remove /usr/sbin/update-initramfs && echo "I: making the initramfs" && chroot "$1" update-initramfs -c -k all`
	)
	args := []string{
		"--mode=root", "--variant=minbase", "--architectures=amd64", "--format=directory", "--verbose",
		"--hook-dir=" + hooks, "--setup-hook=" + pin, "--essential-hook=" + hold,
		"--customize-hook=" + initramfsHook(r.Initramfs), "--customize-hook=" + free,
		"--customize-hook=chroot \"$1\" systemctl --quiet enable " + strings.Join(r.Units, " "),
		"--include=" + strings.Join(r.Packages, ","),
		"--aptopt=Apt::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"",
	}
	for _, o := range aptOptions {
		args = append(args, "--aptopt="+o)
	}
	for _, p := range r.Exclude {
		args = append(args, "--dpkgopt=path-exclude="+p)
	}
	for _, p := range r.Include {
		args = append(args, "--dpkgopt=path-include="+p)
	}
	return args
}

// initramfsHook writes a hook (initramfs-tools(7)) into the tree that copies the
// modules; udev loads those that the machine has hardware for.
func initramfsHook(modules []string) string {
	const script = `#!/bin/sh
case "$1" in prereqs) exit 0;; esac
. /usr/share/initramfs-tools/hook-functions
manual_add_modules `
	return `printf '%s\n' '` + script + strings.Join(modules, " ") + `' > "$1/etc/initramfs-tools/hooks/modules"`
}

// installWatch turns what mmdebstrap and apt print into progress: it counts the
// packages that are set up against those that apt said it would install.
type installWatch struct {
	tell        func(string, int64, int64)
	stage       string
	done, total int64
}

var newlyInstalled = regexp.MustCompile(`^\d+ upgraded, (\d+) newly installed`)

func (w *installWatch) line(line string) {
	if m := newlyInstalled.FindStringSubmatch(line); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		w.total += n
	}
	if stage, ok := strings.CutPrefix(line, "I: "); ok && !strings.HasPrefix(stage, "/") && !strings.HasPrefix(stage, "running --") {
		w.stage = strings.TrimSuffix(stage, "...")
		w.tell(w.stage, w.done, w.total)
	}
	if strings.HasPrefix(line, "Setting up ") {
		w.done++
		w.tell(w.stage, w.done, w.total)
	}
}

// stageCapture is the stage whose progress is told in MiB.
const stageCapture = "capture"

// capture puts the tree into a WIM.
func (b *builder) capture(ctx context.Context, tree, wim string) error {
	b.tell(stageCapture, 0, 0)
	return b.Runner.Run(ctx, tool.Command{
		Path: "wimlib-imagex",
		Args: []string{
			"capture", tree, wim, b.Recipe.Name, b.Recipe.Description, "--unix-data", "--check",
			"--compress=" + b.Recipe.Compression,
			"--image-property=BOOTWARD/ARCH=amd64", "--image-property=BOOTWARD/OS=debian",
		},
		Line: func(line string) {
			if done, total, ok := captureProgress(line); ok {
				b.tell(stageCapture, done, total)
			}
		},
	})
}

var archiving = regexp.MustCompile(`^Archiving file data: (\d+) MiB of (\d+) MiB`)

// captureProgress reads a line of wimlib's progress, in bytes.
func captureProgress(line string) (done, total int64, ok bool) {
	m := archiving.FindStringSubmatch(line)
	if m == nil {
		return 0, 0, false
	}
	_, err := fmt.Sscan(m[1]+" "+m[2], &done, &total)
	return done << 20, total << 20, err == nil
}
