package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/bootward/bootward/diskfs/tool"
	"github.com/bootward/bootward/lab/osimage"
	"github.com/bootward/bootward/lab/process"
)

// The names that examples/ward uses.
const (
	boxName       = "ward7-box"
	bootImageName = "linux-x64"
	imageName     = "debian-12"
	imagingTools  = "Bootward imaging tools"
	board         = "qemu-x86_64"
	// Emulated timers are late on a busy host, and Linux would panic.
	parameters = "no_timer_check"
)

// Image makes the operating system image, or finds it in the cache.
func (l *Lab) Image(ctx context.Context) error {
	l.show.Stage("Operating system image")
	var stage string
	recipe := osimage.DefaultRecipe()
	recipe.Packages = append(recipe.Packages, l.options.Packages...)
	image, err := osimage.Build(ctx, osimage.Options{
		Recipe: recipe, CacheDir: filepath.Join(l.options.Cache, "osimage"), Runner: tool.Exec{},
		Progress: func(e osimage.Event) {
			if e.Stage != stage {
				stage = e.Stage
				l.show.Note(stage)
			}
			if e.Total > 0 {
				l.show.Progress(min(e.Done, e.Total), e.Total, e.Unit)
			}
		},
	})
	if err != nil {
		return err
	}
	l.image = image
	from := "made"
	if image.Cached {
		from = "from the cache, made"
	}
	l.show.Note(fmt.Sprintf("%s in %.0f s: %d entries, %.0f MB, as WIM %.0f MB", from, image.Took.Seconds(), image.Entries, float64(image.TreeSize)/1e6, float64(image.WIMSize)/1e6))
	return nil
}

// Site makes a central site, serves it, and puts the ward's objects in place.
func (l *Lab) Site(ctx context.Context) error {
	l.show.Stage("Central site")
	url := fmt.Sprintf("https://%s:8443", l.segment.Site())
	if _, err := l.CLI(ctx, "site", "init", "--code", "CEN", "--dir", l.siteDir(), "--url", url, "--administrator", "lab"); err != nil {
		return err
	}
	if err := l.StartSite(ctx); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"bootimage", "build", "--kit", l.options.Kit, "--name", bootImageName, "--parameters", parameters},
		{"package", "import", filepath.Join(l.options.Kit, "imaging"), "--name", imagingTools, "--quiet"},
		{"image", "import", l.image.WIM, "--name", imageName, "--quiet"},
		{"apply", "-f", l.options.Ward, "--accept-missing"}, // the box comes later
	} {
		out, err := l.CLI(ctx, args...)
		if err != nil {
			return err
		}
		l.noteLines(out)
	}
	return nil
}

func (l *Lab) noteLines(out []byte) {
	for line := range lines(out) {
		l.show.Note(line)
	}
}

// StartSite serves the site and waits until it answers.
func (l *Lab) StartSite(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(l.options.Dir, "site.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	address := fmt.Sprintf("%s:8443", l.segment.Site())
	l.site, err = process.Start(l.running, process.Spec{
		Name: "site", Namespace: l.segment.SiteNamespace(), Stdout: log, Stderr: log, Env: l.environment(),
		Args: []string{l.program("bootward"), "site", "serve", "--dir", l.siteDir(), "--listen", address},
	})
	if err = errors.Join(err, log.Close()); err != nil {
		return err
	}
	return l.eventually(ctx, 30*time.Second, "the site answers at "+address, func(ctx context.Context) (bool, error) {
		select {
		case <-l.site.Done():
			return false, fmt.Errorf("site: it ended; see %s", log.Name())
		default:
		}
		c, err := l.segment.DialContext(ctx, l.segment.SiteNamespace(), "tcp", address)
		if err != nil {
			return false, nil // not yet
		}
		return true, closeConn(c)
	})
}

func closeConn(c net.Conn) error {
	if err := c.Close(); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	return nil
}

// StopSite ends the site's program, as a crash does.
func (l *Lab) StopSite() {
	l.site.Kill()
	<-l.site.Done()
}

func (l *Lab) siteDir() string            { return filepath.Join(l.options.Dir, "site") }
func (l *Lab) program(name string) string { return filepath.Join(l.options.Bin, name) }
func (l *Lab) environment() []string {
	return append(os.Environ(), "BOOTWARD_CONTEXT="+filepath.Join(l.options.Dir, "context.yaml"))
}

// CLI runs `bootward` as the administrator, beside the site, and returns what
// it prints.
func (l *Lab) CLI(ctx context.Context, args ...string) ([]byte, error) {
	argv := append([]string{"netns", "exec", l.segment.SiteNamespace(), l.program("bootward")}, args...)
	cmd := exec.CommandContext(ctx, "ip", argv...)
	cmd.Env = l.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("bootward %s %s: %w: %s", args[0], args[1], err, exit.Stderr)
	}
	if err != nil {
		return out, fmt.Errorf("bootward %s: %w", args[0], err)
	}
	return out, nil
}

// query runs a verb with --json into a value.
func query[T any](ctx context.Context, l *Lab, args ...string) (value T, err error) {
	out, err := l.CLI(ctx, append(args, "--json")...)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(out, &value); err != nil {
		return value, fmt.Errorf("bootward %s: answer: %w", args[0], err)
	}
	return value, nil
}

// eventually asks again until the answer is yes, an error comes, or the
// deadline, stretched for this host, has passed.
func (l *Lab) eventually(ctx context.Context, deadline time.Duration, what string, ask func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, l.factor.Scale(deadline))
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if ok, err := ask(ctx); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("lab: waited %s until %s: %w", l.factor.Scale(deadline).Round(time.Second), what, ctx.Err())
		case <-tick.C:
		}
	}
}
