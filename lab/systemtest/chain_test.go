//go:build system

package systemtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootward/bootward/bootimg"
	"github.com/bootward/bootward/lab/chain"
	"github.com/bootward/bootward/lab/machine"
)

// How scripts/bench chain says what it wants.
const (
	envChainRuns   = "BOOTWARD_CHAIN_RUNS"   // how often each chain boots
	envChainImages = "BOOTWARD_CHAIN_IMAGES" // LABEL=DIR, separated by spaces; "" for one that is made of the kit
	envChainBoard  = "BOOTWARD_CHAIN_BOARD"
	envChains      = "BOOTWARD_CHAINS" // a regular expression over the names; all when empty
	envChainTable  = "BOOTWARD_CHAIN_TABLE"
	chainGoal      = 1.5 // times what the same kernel and initramfs take when QEMU starts them
)

// bootChain is one way from power-on to the agent.
type bootChain struct {
	name   string
	row    bootRow
	direct bool // QEMU hands kernel and initramfs over
	goal   bool
}

// directChain is what the others are compared with.
const directChain = "direct"

func bootChains() []bootChain {
	return []bootChain{
		{name: directChain, row: bootRow{firmware: machine.BIOS, nic: machine.VirtIO}, direct: true},
		{name: "bios-pxe", row: bootRow{firmware: machine.BIOS, nic: machine.VirtIO}, goal: true},
		{name: "uefi-pxe", row: bootRow{firmware: machine.UEFI, nic: machine.VirtIO}, goal: true},
		{name: "uefi-http", row: bootRow{firmware: machine.UEFI, nic: machine.VirtIO, http: true}},
		{name: "uefi-secure", row: bootRow{firmware: machine.UEFISecure, nic: machine.VirtIO, shim: true}},
		{name: "uefi-direct", row: bootRow{firmware: machine.UEFI, nic: machine.VirtIO}, direct: true},
	}
}

// TestChains boots the same image by each chain in turn, as often as it is asked to, and
// writes where the time went. It compares, and fails only where a machine does not boot.
func TestChains(t *testing.T) {
	if os.Getenv(envMode) != "" {
		serveChains(t)
		return
	}
	s := bootNetwork(t, bootMode{name: modeDHCP})
	inner := exec.CommandContext(t.Context(), "ip", "netns", "exec", s.Namespace()+"-box", os.Args[0], "-test.run=^TestChains$", "-test.v", "-test.timeout=2h")
	inner.Env = append(os.Environ(), envMode+"="+modeDHCP)
	inner.Stdout, inner.Stderr = os.Stdout, os.Stderr
	if err := inner.Run(); err != nil {
		t.Error(err)
	}
}

// chainImage is a boot image that is compared.
type chainImage struct {
	label string
	files map[string][]byte
	dir   string // where kernel and initramfs lie as files
}

// serveChains is the inner run, on the host of the box.
func serveChains(t *testing.T) {
	runs, err := strconv.Atoi(cmp.Or(os.Getenv(envChainRuns), "1"))
	if err != nil || runs < 1 {
		t.Fatalf("%s: %q: want a number of runs", envChainRuns, os.Getenv(envChainRuns))
	}
	wanted := regexp.MustCompile(os.Getenv(envChains))
	b := newBootBox(t, modeDHCP)
	images := chainImages(t, b)
	seen := map[string][]map[string]shares{} // by the label of the image: for each run, by chain
	for run := range runs {
		for _, image := range images {
			boots := map[string]shares{}
			for n, c := range bootChains() {
				if c.name != directChain && !wanted.MatchString(c.name) {
					continue
				}
				t.Run(fmt.Sprintf("%s-%s-%d", image.label, c.name, run), func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), bootDeadline)
					defer cancel()
					boots[c.name] = b.chain(ctx, t, n, c, image)
				})
			}
			seen[image.label] = append(seen[image.label], boots)
		}
	}
	report(t, images, seen)
}

// chainImages are the images that are named, or one that is made of the kit.
func chainImages(t *testing.T, b *bootBoxRig) []chainImage {
	var images []chainImage
	for _, pair := range strings.Fields(os.Getenv(envChainImages)) {
		label, dir, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("%s: %q: want LABEL=DIR", envChainImages, pair)
		}
		image := chainImage{label: label, dir: dir, files: map[string][]byte{}}
		for _, name := range []string{bootimg.KernelName, bootimg.InitrdName, bootimg.UKIName, "cmdline", bootimg.ShimName, bootimg.GRUBName} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			image.files[name] = data
		}
		images = append(images, image)
	}
	if images != nil {
		return images
	}
	image := chainImage{label: "image", dir: filepath.Join(b.dir, "image"),
		files: buildImage(t.Context(), t, cmp.Or(os.Getenv(envChainBoard), "pc-x86_64"), provided(t, "BOOTWARD_KIT"), "no_timer_check")}
	if err := os.MkdirAll(image.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range image.files {
		if err := os.WriteFile(filepath.Join(image.dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []chainImage{image}
}

// kernelUptime is PID 1's word, with the kernel's own clock in it.
var kernelUptime = regexp.MustCompile(agentStarted.String() + ` ([0-9.]+) s after the kernel`)

// chain boots one machine and says where its time went.
func (b *bootBoxRig) chain(ctx context.Context, t *testing.T, n int, c bootChain, image chainImage) shares {
	b.mu.Lock()
	b.images["x64"] = image.files
	b.mu.Unlock()
	b.offer(c.row)
	dir := filepath.Join(b.dir, "chain-"+c.name)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	config := c.row.config(n, dir)
	if c.direct {
		config.NICs[0].NoROM = true
		config.Direct = &machine.Direct{Kernel: filepath.Join(image.dir, bootimg.KernelName), Initrd: filepath.Join(image.dir, bootimg.InitrdName),
			CommandLine: string(image.files["cmdline"])}
	}
	file := filepath.Join(b.dir, "chain-"+c.name+".pcap")
	stop := captureHere(ctx, t, file, "ip")
	m, err := machine.Start(ctx, config, b.log)
	if err != nil {
		t.Fatal(err)
	}
	used := watchUsage(ctx, m.PID())
	line, err := m.WaitSerial(ctx, 0, kernelUptime)
	clock := used.stop()
	m.Kill()
	if err := errors.Join(err, stop()); err != nil {
		t.Fatal(err)
	}
	uptime, err := time.ParseDuration(kernelUptime.FindStringSubmatch(line.Text)[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	agent := m.PowerOn().Add(line.At).Round(0)
	boot := chain.Boot{MAC: config.NICs[0].MAC, PowerOn: m.PowerOn().Round(0), Kernel: agent.Add(-uptime), Agent: agent, Packets: readCapture(t, file)}
	spans := boot.Split()
	s := shares{wall: chain.Sum(spans, func(at time.Time) time.Duration { return at.Sub(boot.PowerOn) }), cpu: chain.Sum(spans, clock)}
	t.Logf("%s of %s: %s; %v", c.name, image.label, s, boot.Transfers())
	return s
}

// report writes the table and the goals.
func report(t *testing.T, images []chainImage, seen map[string][]map[string]shares) {
	var out strings.Builder
	met, of := 0, 0
	for _, image := range images {
		fmt.Fprintf(&out, "\n%s: kernel %d, initrd %d, uki.efi %d bytes; medians of %d runs: seconds, and seconds of the emulation's processors\n", image.label,
			len(image.files[bootimg.KernelName]), len(image.files[bootimg.InitrdName]), len(image.files[bootimg.UKIName]), len(seen[image.label]))
		fmt.Fprintf(&out, "%-12s %13s", "chain", "total")
		for _, kind := range chain.Kinds() {
			fmt.Fprintf(&out, " %13s", kind)
		}
		fmt.Fprintln(&out)
		for _, c := range bootChains() {
			m, n, ok := medians(seen[image.label], c)
			if !ok {
				continue
			}
			out.WriteString(m)
			if c.goal {
				of++
				met += n
			}
		}
	}
	fmt.Fprintf(&out, "goals met: %d of %d\n", met, of)
	fmt.Print(out.String())
	if err := os.WriteFile(provided(t, envChainTable), []byte(out.String()), 0o644); err != nil {
		t.Error(err)
	}
}

// medians is the row of a chain, with its goal, if it ran; met is 1 if the goal was.
func medians(runs []map[string]shares, c bootChain) (text string, met int, ok bool) {
	var boots []shares
	var wall, cpu []float64
	for _, run := range runs {
		s, d := run[c.name], run[directChain]
		if s.wall == nil || d.wall == nil {
			continue
		}
		boots = append(boots, s)
		wall = append(wall, ours(s.wall)/total(d.wall).Seconds())
		cpu = append(cpu, ours(s.cpu)/total(d.cpu).Seconds())
	}
	if len(boots) == 0 {
		return "", 0, false
	}
	column := func(of func(shares) (time.Duration, time.Duration)) string {
		var a, b []float64
		for _, s := range boots {
			x, y := of(s)
			a, b = append(a, x.Seconds()), append(b, y.Seconds())
		}
		return fmt.Sprintf(" %6.2f %6.2f", median(a), median(b))
	}
	text = fmt.Sprintf("%-12s", c.name) + column(func(s shares) (time.Duration, time.Duration) { return total(s.wall), total(s.cpu) })
	for _, kind := range chain.Kinds() {
		text += column(func(s shares) (time.Duration, time.Duration) { return s.wall[kind], s.cpu[kind] })
	}
	text += "\n"
	if c.direct {
		return text, 0, true
	}
	verdict := "missed"
	if median(wall) <= chainGoal {
		verdict, met = "met", 1
	}
	if !c.goal {
		verdict = "no goal of its own"
	}
	return text + fmt.Sprintf("  goal: (total - firmware) / direct at most %.1f: ratio %.2f, by processor seconds %.2f: %s\n", chainGoal, median(wall), median(cpu), verdict), met, true
}

func total(s map[chain.Kind]time.Duration) (sum time.Duration) {
	for _, d := range s {
		sum += d
	}
	return sum
}

// ours is what is left of a boot without its firmware, in seconds.
func ours(s map[chain.Kind]time.Duration) float64 { return (total(s) - s[chain.Firmware]).Seconds() }

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
