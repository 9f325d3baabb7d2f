package machine

import "strings"

// aptInstall is a package that apt would install, as `apt-get --simulate` tells it.
type aptInstall struct {
	name    string // with its architecture, where apt writes that: libc6:i386
	version string
	// archives are those that have this version, such as Debian-Security:12/stable-security: label,
	// version and suite of the Release file.
	archives []string
	added    bool // it is not installed in any version
}

// security says whether an archive for security updates has this version: that of Debian by its
// label, those of its kin by their suites, such as noble-security.
func (i aptInstall) security() bool {
	for _, a := range i.archives {
		label, rest, _ := strings.Cut(a, ":")
		if label == "Debian-Security" || strings.HasSuffix(rest, "-security") {
			return true
		}
	}
	return false
}

// parseInstalls reads lines such as
//
//	Inst libc6 [2.36-9] (2.36-9+deb12u4 Debian-Security:12/stable-security, Debian:12.4/stable [amd64]) []
//
// in which the version in brackets is the installed one, and missing for a package that is new.
func parseInstalls(plan string) []aptInstall {
	var all []aptInstall
	for line := range strings.Lines(plan) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Inst ")
		before, inside, opened := strings.Cut(rest, " (")
		inside, _, closed := strings.Cut(inside, ")")
		name, installed, _ := strings.Cut(before, " ")
		version, archives, _ := strings.Cut(inside, " ")
		if !ok || !opened || !closed || name == "" || version == "" || strings.HasPrefix(name, "-") {
			continue
		}
		if i := strings.LastIndex(archives, " ["); i >= 0 {
			archives = archives[:i]
		}
		one := aptInstall{name: name, version: version, added: installed == ""}
		for a := range strings.SplitSeq(archives, ", ") {
			one.archives = append(one.archives, a)
		}
		all = append(all, one)
	}
	return all
}
