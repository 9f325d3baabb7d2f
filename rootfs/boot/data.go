package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

// lookEvery is how long PID 1 waits for a disk event before it looks again on its own.
const lookEvery = 5 * time.Second

// mountStorage brings up the ESP at /boot and the data partition at DataDir. It goes round until there is a data
// partition: a box without one cannot work, but its console says what is missing.
func (i *Init) mountStorage(ctx context.Context, m *machine) error {
	said := ""
	for {
		reason, err := i.tryStorage(ctx)
		if err == nil && reason == "" {
			return nil
		}
		if err != nil {
			reason = err.Error()
		}
		if reason != said {
			i.Log.Warn("waiting for the data disk", "reason", reason)
			said = reason
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.disks:
		case <-time.After(lookEvery):
		}
	}
}

func (i *Init) tryStorage(ctx context.Context) (missing string, err error) {
	blocks, err := listBlocks(os.DirFS("/sys/block"))
	if err != nil {
		return "", err
	}
	if esp := chooseESP(blocks, loaderPartition()); esp != "" {
		if err := mountESP(esp); err != nil {
			i.Log.Warn("firmware disk", "error", err)
		}
	}
	for n := range blocks {
		if blocks[n].Fixed {
			probeDevice(&blocks[n])
		}
	}
	choice := chooseData(blocks)
	switch {
	case choice.Make != "":
		i.Log.Info("making the data file system", "disk", choice.Make, "because", choice.Reason)
		if err := i.makeData(ctx, "/dev/"+choice.Make); err != nil {
			return "", err
		}
		return "", i.mountData(ctx, choice.Make)
	case choice.Use != "":
		return "", i.mountData(ctx, choice.Use)
	}
	return choice.Reason, nil
}

func probeDevice(b *block) {
	f, err := os.Open("/dev/" + b.Name)
	if err != nil {
		b.ReadError = err
		return
	}
	defer f.Close()
	probe(b, f)
}

// makeData formats a blank disk. The mark at its end is there from before until after, on the platter each time.
func (i *Init) makeData(ctx context.Context, device string) error {
	f, err := os.OpenFile(device, os.O_RDWR|unix.O_EXCL, 0)
	if err != nil {
		return fmt.Errorf("make data file system: %w", err)
	}
	size, err := f.Seek(0, 2)
	if err == nil {
		err = writeMark(f, size, halfMadeMark)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("make data file system on %s: %w", device, err)
	}
	out, code, err := i.processes.output(ctx, "/usr/sbin/mkfs.ext4", "-q", "-F", "-m", "1", "-L", DataLabel,
		"-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", device)
	if err != nil || code != 0 {
		return fmt.Errorf("make data file system on %s: mkfs.ext4 ended with %d: %s: %w", device, code, out, errors.Join(err, errTool))
	}
	if f, err = os.OpenFile(device, os.O_RDWR, 0); err != nil {
		return fmt.Errorf("make data file system: %w", err)
	}
	return errors.Join(writeMark(f, size, strings.Repeat("\x00", len(halfMadeMark))), f.Close())
}

var errTool = errors.New("tool failed")

func writeMark(f *os.File, size int64, mark string) error {
	if _, err := f.WriteAt([]byte(mark), size-halfMadeOffset); err != nil {
		return err
	}
	return f.Sync()
}

// mountData checks the file system and mounts it. What e2fsck did is said on the console, line by line.
func (i *Init) mountData(ctx context.Context, name string) error {
	device := "/dev/" + name
	start := time.Now()
	out, code, err := i.processes.output(ctx, "/usr/sbin/e2fsck", "-p", device)
	if err != nil {
		return fmt.Errorf("check %s: %w", device, err)
	}
	if code&4 != 0 { // what -p leaves to a person: nobody operates the box
		i.Log.Warn("data file system needs a full repair", "disk", name, "e2fsck", out)
		if out, code, err = i.processes.output(ctx, "/usr/sbin/e2fsck", "-y", device); err != nil {
			return fmt.Errorf("repair %s: %w", device, err)
		}
	}
	verdict, err := fsckVerdict(code)
	logLines(i.Log, out)
	if err != nil {
		return fmt.Errorf("check %s: %w", device, err)
	}
	if err := mount(mountPoint{device, DataDir, "ext4", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOATIME, "errors=remount-ro", false}); err != nil {
		return err
	}
	i.Log.Info("data disk mounted", "disk", name, "check", verdict, "took", time.Since(start))
	return nil
}

// fsckVerdict puts e2fsck's exit code (e2fsck(8)) in words; an error means that mounting is not safe.
func fsckVerdict(code int) (string, error) {
	switch {
	case code == 0:
		return "clean", nil
	case code&^3 == 0:
		return "errors corrected", nil
	default:
		return "", fmt.Errorf("e2fsck ended with %d: the data disk must be replaced", code)
	}
}

func logLines(log *slog.Logger, out string) {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" {
			log.Info(line)
		}
	}
}

// loaderPartition is the partition that systemd-boot says it came from (LoaderDevicePartUUID, Boot Loader Interface),
// empty under BIOS.
func loaderPartition() string {
	raw, err := os.ReadFile("/sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")
	if err != nil {
		return ""
	}
	return parseEFIString(raw)
}

// parseEFIString reads a variable as efivarfs gives it: four bytes of attributes, then UTF-16LE, closed by zero.
func parseEFIString(raw []byte) string {
	var units []uint16
	for n := 4; n+1 < len(raw); n += 2 {
		u := uint16(raw[n]) | uint16(raw[n+1])<<8
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
