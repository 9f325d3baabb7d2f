package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// output runs a program of the host and returns what it prints; its error has both outputs.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", strings.Join(append([]string{name}, args...), " "), err, errs.String(), out)
	}
	return string(out), nil
}

// loopDevice shows a disk image, or a part of it, as a device that cannot be written. detach takes it away, also when
// ctx has ended.
func loopDevice(ctx context.Context, image string, options ...string) (device string, detach func() error, err error) {
	out, err := output(ctx, "losetup", append(append([]string{"--find", "--show", "--read-only"}, options...), image)...)
	device = strings.TrimSpace(out)
	return device, func() error {
		_, err := output(context.WithoutCancel(ctx), "losetup", "--detach", device)
		return err
	}, err
}

// partition shows a partition of a disk image, counted from 1, as loopDevice does.
func partition(ctx context.Context, image string, n int) (device string, detach func() error, err error) {
	t, err := readTable(ctx, image)
	if err != nil {
		return "", nil, err
	}
	if n > len(t.Partitions) {
		return "", nil, fmt.Errorf("%s has %d partitions, want one with number %d", image, len(t.Partitions), n)
	}
	part := func(sectors int64) string { return strconv.FormatInt(sectors*t.sector(), 10) }
	return loopDevice(ctx, image, "--offset", part(t.Partitions[n-1].Start), "--sizelimit", part(t.Partitions[n-1].Size))
}

// dataImage imports an image that holds record.txt alone, under a name.
func (p *play) dataImage(ctx context.Context, name string) error {
	tree := filepath.Join(p.options.Dir, name)
	if err := writeAll(filepath.Join(tree, "record.txt"), "blood group AB\n"); err != nil {
		return fmt.Errorf("scenario %s: content: %w", p.scenario.Name, err)
	}
	wim := tree + ".wim"
	if _, err := output(ctx, "wimlib-imagex", "capture", tree, wim, name, "--compress=none"); err != nil {
		return fmt.Errorf("scenario %s: content: %w", p.scenario.Name, err)
	}
	_, err := p.CLI(ctx, "image", "import", wim, "--name", name, "--quiet")
	return err
}
