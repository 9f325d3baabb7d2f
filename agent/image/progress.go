package image

import (
	"regexp"
	"strconv"
)

// watcher turns wimlib's lines into bytes.
type watcher struct {
	total int64
	last  int64
	tell  func(done, total int64)
}

// extracting is wimlib's progress line while it writes data; its unit grows with
// the size: "Extracting file data: 123 MiB of 374 MiB (32%) done".
var extracting = regexp.MustCompile(`^Extracting file data: (\d+) (bytes|KiB|MiB|GiB|TiB) of (\d+) (bytes|KiB|MiB|GiB|TiB) `)

var units = map[string]int64{"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// parse reads a progress line, in bytes.
func parse(line string) (done, total int64, ok bool) {
	m := extracting.FindStringSubmatch(line)
	if m == nil {
		return 0, 0, false
	}
	done, err1 := strconv.ParseInt(m[1], 10, 40)
	total, err2 := strconv.ParseInt(m[3], 10, 40)
	return done * units[m[2]], total * units[m[4]], err1 == nil && err2 == nil
}

// line takes a line of output. What it tells never goes back and never passes
// the total.
func (w *watcher) line(line string) {
	done, total, ok := parse(line)
	if !ok || w.tell == nil {
		return
	}
	w.total = max(w.total, total)
	w.last = max(w.last, min(done, w.total))
	w.tell(w.last, w.total)
}
