package diskfs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a volume's size: a number of bytes or a share of what remains.
type Size struct {
	Bytes   int64
	Percent int64 // 1 to 100; 0 means that Bytes counts
}

// units by their suffix. Suffixes without i are decimal, as in ISO 80000.
var units = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// ParseSize reads "256MiB", "1.5 GiB", "500MB" or "100%". A bare number is an
// error, because nobody agrees on what it counts.
func ParseSize(s string) (Size, error) {
	text := strings.TrimSpace(s)
	if number, ok := strings.CutSuffix(text, "%"); ok {
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 1 || n > 100 {
			return Size{}, fmt.Errorf("size %q: want a whole percentage from 1%% to 100%%", s)
		}
		return Size{Percent: n}, nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if bytes := n * float64(u.factor); err == nil && bytes >= 1 && bytes < math.MaxInt64/2 {
			return Size{Bytes: int64(bytes)}, nil
		}
		break
	}
	return Size{}, fmt.Errorf("size %q: want a number with a unit, such as 256MiB or 40GiB, or a percentage of the rest, such as 100%%", s)
}

// Bytes is a number of bytes that prints for people: 1.5 GiB.
type Bytes int64

func (b Bytes) String() string {
	const names = "KMGTPE"
	if b < 1<<10 && b > -1<<10 {
		return strconv.FormatInt(int64(b), 10) + " B"
	}
	n, i := float64(b)/1024, 0
	for ; (n >= 1024 || n <= -1024) && i < len(names)-1; i++ {
		n /= 1024
	}
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") + " " + names[i:i+1] + "iB"
}
