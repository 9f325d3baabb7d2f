package disk

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Scan lists the disks in sysfs (os.DirFS("/sys"), or a fake one), candidates
// first and in the order of their numbers. Medium names what the machine booted
// from, if that was a disk: names such as sdb or sdb1, or device numbers such as
// 8:16; see Mounted. Loop, RAM, mapped and optical devices are not listed.
func Scan(sys fs.FS, medium []string) ([]Disk, error) {
	entries, err := fs.ReadDir(sys, "block")
	if err != nil {
		return nil, fmt.Errorf("list disks: %w", err)
	}
	var out []Disk
	for _, e := range entries {
		dir, err := resolve(sys, path.Join("block", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("list disks: %s: %w", e.Name(), err)
		}
		b := block{sys: sys, name: e.Name(), dir: dir}
		if b.isDisk() {
			out = append(out, b.disk(medium))
		}
	}
	slices.SortFunc(out, func(a, b Disk) int {
		if x := cmp.Compare(rank(a), rank(b)); x != 0 {
			return x
		}
		return comparePaths(a.Path, b.Path)
	})
	for i := range out {
		out[i].Number = -1
		if out[i].Excluded() == "" {
			out[i].Number = i
		}
	}
	return out, nil
}

func rank(d Disk) int {
	if d.Excluded() == "" {
		return 0
	}
	return 1
}

// resolve follows one symbolic link of sysfs.
func resolve(sys fs.FS, name string) (string, error) {
	target, err := fs.ReadLink(sys, name)
	if err != nil {
		return "", err
	}
	return path.Join(path.Dir(name), target), nil
}

// Mounted reads /proc/self/mountinfo (proc(5)) and lists the device numbers of
// the block devices that are mounted anywhere but under one of the ignored
// folders. Called before the agent mounts anything of the target's, this is the
// boot medium and what else must not be touched.
func Mounted(mountinfo io.Reader, ignore ...string) ([]string, error) {
	var out []string
	scan := bufio.NewScanner(mountinfo)
	for scan.Scan() {
		fields := strings.Fields(scan.Text())
		if len(fields) < 5 {
			return nil, fmt.Errorf("read mounts: cannot read line %q", scan.Text())
		}
		number, at := fields[2], fields[4]
		ours := slices.ContainsFunc(ignore, func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") })
		if !ours && !strings.HasPrefix(number, "0:") && !slices.Contains(out, number) {
			out = append(out, number)
		}
	}
	return out, scan.Err()
}

// comparePaths compares two paths piece by piece, runs of digits as numbers; PCI
// addresses are hexadecimal of fixed width, which compares well either way.
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		headA, restA := piece(a)
		headB, restB := piece(b)
		if order := comparePieces(headA, headB); order != 0 {
			return order
		}
		a, b = restA, restB
	}
	return strings.Compare(a, b)
}

// comparePieces orders numbers by their value, and PCI addresses, numbers and
// other pieces in this order among each other.
func comparePieces(a, b string) int {
	kind := func(s string) int {
		switch {
		case isPCIAddress(s):
			return 0
		case s[0] >= '0' && s[0] <= '9':
			return 1
		}
		return 2
	}
	if kind(a) != kind(b) || kind(a) != 1 {
		return cmp.Or(cmp.Compare(kind(a), kind(b)), strings.Compare(a, b))
	}
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y), strings.Compare(a, b))
}

// piece cuts a run of digits, or of anything else, off the front. A hexadecimal
// PCI address stays whole.
func piece(s string) (head, rest string) {
	if isPCIAddress(s) {
		return s[:12], s[12:]
	}
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	i := 1
	for i < len(s) && digit(s[i]) == digit(s[0]) && !isPCIAddress(s[i:]) {
		i++
	}
	return s[:i], s[i:]
}

// isPCIAddress says whether s starts like 0000:0a:1f.0.
func isPCIAddress(s string) bool {
	if len(s) < 12 {
		return false
	}
	for i, c := range []byte(s[:12]) {
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		switch i {
		case 4, 7:
			hex = c == ':'
		case 10:
			hex = c == '.'
		}
		if !hex {
			return false
		}
	}
	return true
}
