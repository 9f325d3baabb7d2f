package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// cannotRun: steps of a type that this version cannot run.
func cannotRun(l *linter) {
	for _, n := range l.nodes {
		s := n.step()
		if s == nil || s.Type().Missing() == "" {
			continue
		}
		severity := Error
		if s.Common().ContinueOnError {
			severity = Warning
		}
		l.add("cannot-run", severity, n, "", "a step of this type fails: this version lacks "+s.Type().Missing(), "disable the step, or replace it")
	}
}

// windowsWords are what only Windows runs. A path that ends in .exe may be a program for Wine,
// which nobody deploys with.
var windowsWords = regexp.MustCompile(`(?i)(^|[\s"'&|;(\\])((cscript|wscript|powershell|pwsh\.exe|msiexec|regedit|dism|bcdedit|diskpart|powercfg|netsh|wusa|gpupdate|wmic|icacls|schtasks|cmd)(\.exe)?([\s"'/]|$)|[^\s"']+\.(exe|vbs|vbe|wsf|msi|msu|bat|cmd|ps1)([\s"']|$))|(^|\s)net use\s|(^|\s)reg (add|delete|query|load|import)\s`)

// windowsCommands: command lines that only Windows runs. There is no agent for Windows yet.
func windowsCommands(l *linter) {
	if strings.Contains(strings.ToLower(l.sequence.BootImage), "winpe") {
		return
	}
	for _, n := range l.nodes {
		r, ok := n.step().(*sequence.RunCommandLine)
		if !ok {
			continue
		}
		if m := windowsWords.FindString(r.Command); m != "" {
			l.add("windows-command", Warning, n, "command", fmt.Sprintf("%q is for Windows; here /bin/sh runs the command", strings.Trim(m, " \t\"'&|;()/\\")),
				"write what Linux does instead, or disable the step")
		}
	}
}

var transfers = regexp.MustCompile(`(^|[\s;&|(])(curl|wget|rsync|scp|sftp|smbclient|mount\.(cifs|nfs)|apt(-get)?)\s`)

// networkTimeouts: commands that wait for the network for ever.
func networkTimeouts(l *linter) {
	for _, n := range l.nodes {
		r, ok := n.step().(*sequence.RunCommandLine)
		if !ok || r.Timeout != 0 || strings.Contains(r.Command, "timeout ") || strings.Contains(r.Command, "--max-time") {
			continue
		}
		if m := transfers.FindStringSubmatch(r.Command + " "); m != nil {
			l.add("no-timeout", Note, n, "", m[2]+" may wait for the network without end, and the step has no time limit", "give the step a timeout, such as 10m")
		}
	}
}

// bootImage: a sequence that must be booted names none.
func bootImage(l *linter) {
	if l.sequence.BootImage != "" {
		return
	}
	for _, n := range l.nodes {
		if s := n.step(); s != nil && inBootImage(s) {
			l.add("no-boot-image", Warning, nil, "name", fmt.Sprintf("the step %q belongs into a boot image, and the sequence names none: machines that boot do not get it", n.Name()), "give bootImage")
			return
		}
	}
}

// sameNames: reports and logs tell steps by their names.
func sameNames(l *linter) {
	first := map[string]*node{}
	for _, n := range l.nodes {
		s := n.step()
		if s == nil || s.Common().Name == "" {
			continue
		}
		key := strings.ToLower(s.Common().Name)
		if other := first[key]; other != nil {
			l.add("same-name", Note, n, "name", fmt.Sprintf("step %d has this name too: reports do not tell them apart", other.Number), "give it another name")
			continue
		}
		first[key] = n
	}
}

// emptyGroups: a group in which nothing runs.
func emptyGroups(l *linter) {
	for _, n := range l.nodes {
		if n.off || n.Node.Group == nil {
			continue
		}
		runs := false
		for _, inner := range l.nodes[n.Number : n.End-1] {
			runs = runs || inner.step() != nil
		}
		if !runs {
			l.add("never-runs", Note, n, "", "everything in the group is disabled", "disable the group itself, or take it out")
		}
	}
}
