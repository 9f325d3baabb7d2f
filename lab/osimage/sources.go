package osimage

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Source is one stanza of apt's sources: where packages of some suites are.
type Source struct {
	URIs       []string
	Suites     []string
	Components []string
	SignedBy   string // a path to a key ring; empty for apt's own
}

// ParseSources reads one file of apt's sources. The name decides the syntax, as
// in apt: *.sources is deb822 (sources.list(5)), anything else one line each.
// Sources of source packages and disabled stanzas are left out. A line that
// cannot be read is an error that names it.
func ParseSources(name string, raw []byte) ([]Source, error) {
	if strings.HasSuffix(name, ".sources") {
		return parseStanzas(name, raw)
	}
	var out []Source
	for n, line := range strings.Split(string(raw), "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		s, ok, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
		}
		if ok {
			out = append(out, s)
		}
	}
	return out, nil
}

func parseLine(line string) (Source, bool, error) {
	var s Source
	if open := strings.Index(line, "["); open >= 0 {
		end := strings.Index(line, "]")
		if end < open {
			return s, false, fmt.Errorf("option list has no end: %q", line)
		}
		for _, option := range strings.Fields(line[open+1 : end]) {
			if value, ok := strings.CutPrefix(strings.ToLower(option), "signed-by="); ok {
				s.SignedBy = option[len(option)-len(value):]
			}
		}
		line = line[:open] + line[end+1:]
	}
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return s, false, fmt.Errorf("line holds options only")
	}
	if fields[0] == "deb-src" {
		return s, false, nil
	}
	if fields[0] != "deb" || len(fields) < 3 {
		return s, false, fmt.Errorf("want %q, got %q", "deb URI SUITE [COMPONENT…]", line)
	}
	s.URIs, s.Suites, s.Components = fields[1:2], fields[2:3], fields[3:]
	return s, true, nil
}

func parseStanzas(name string, raw []byte) ([]Source, error) {
	var out []Source
	fields := map[string]string{}
	flush := func() {
		types := strings.Fields(fields["types"])
		if slices.Contains(types, "deb") && strings.ToLower(fields["enabled"]) != "no" {
			out = append(out, Source{
				URIs: strings.Fields(fields["uris"]), Suites: strings.Fields(fields["suites"]),
				Components: strings.Fields(fields["components"]), SignedBy: strings.TrimSpace(fields["signed-by"]),
			})
		}
		fields = map[string]string{}
	}
	last, n := "", 0
	scan := bufio.NewScanner(bytes.NewReader(raw))
	for scan.Scan() {
		n++
		line := scan.Text()
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case strings.HasPrefix(line, "#"):
		case line[0] == ' ' || line[0] == '\t':
			fields[last] += "\n" + strings.TrimSpace(line)
		default:
			k, v, ok := strings.Cut(line, ":")
			if !ok {
				return nil, fmt.Errorf("%s:%d: want %q, got %q", name, n, "Field: value", line)
			}
			last = strings.ToLower(strings.TrimSpace(k))
			fields[last] = strings.TrimSpace(v)
		}
	}
	flush()
	return out, scan.Err()
}

// HostSources reads the sources under etc (the host's /etc/apt) and keeps what
// belongs to a Debian suite: the suite itself and its -updates and -security,
// with component main. Packages of third parties never enter the image.
func HostSources(etc fs.FS, suite string) ([]Source, error) {
	names, err := fs.Glob(etc, "sources.list.d/*")
	if err != nil {
		return nil, err
	}
	var out []Source
	for _, name := range append([]string{"sources.list"}, names...) {
		if ext := path.Ext(name); ext != ".list" && ext != ".sources" {
			continue
		}
		raw, err := fs.ReadFile(etc, name)
		if err != nil {
			continue // sources.list is often absent
		}
		all, err := ParseSources(name, raw)
		if err != nil {
			return nil, fmt.Errorf("read apt sources: %w", err)
		}
		out = append(out, ofSuite(all, suite)...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("apt sources: none for Debian %s with component main; add one to /etc/apt/sources.list", suite)
	}
	return out, nil
}

// ofSuite keeps the suites that belong to Debian's code name, and only main.
func ofSuite(all []Source, suite string) []Source {
	ours := []string{suite, suite + "-updates", suite + "-security"}
	var out []Source
	for _, s := range all {
		if !slices.Contains(s.Components, "main") {
			continue
		}
		s.Suites = slices.DeleteFunc(slices.Clone(s.Suites), func(x string) bool { return !slices.Contains(ours, x) })
		s.Components = []string{"main"}
		if len(s.Suites) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// Render writes sources as deb822 stanzas.
func Render(sources []Source) []byte {
	var b bytes.Buffer
	for i, s := range sources {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n",
			strings.Join(s.URIs, " "), strings.Join(s.Suites, " "), strings.Join(s.Components, " "))
		if s.SignedBy != "" {
			fmt.Fprintf(&b, "Signed-By: %s\n", strings.ReplaceAll(s.SignedBy, "\n", "\n "))
		}
	}
	return b.Bytes()
}

// IndexDate is the newest Date of the suite's release files that the host has
// fetched (lists is /var/lib/apt/lists), or 2023-06-10, when Debian 12 appeared,
// if it has fetched none.
func IndexDate(lists fs.FS, suite string) time.Time {
	newest := time.Date(2023, 6, 10, 0, 0, 0, 0, time.UTC)
	names, _ := fs.Glob(lists, "*_dists_"+suite+"*Release")
	for _, name := range names {
		raw, err := fs.ReadFile(lists, name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			date, ok := strings.CutPrefix(line, "Date: ")
			if !ok {
				continue
			}
			if at, err := time.Parse(time.RFC1123, strings.TrimSpace(date)); err == nil && at.After(newest) {
				newest = at
			}
			break
		}
	}
	return newest
}
