package lint

import (
	"fmt"

	"github.com/bootward/bootward/osd/sequence"
)

// inBootImage says whether a step works on a machine that has booted from the boot image.
func inBootImage(s sequence.Step) bool {
	switch s.(type) {
	case *sequence.PartitionDisk, *sequence.ApplyOperatingSystem, *sequence.ApplyDataImage, *sequence.SetupOperatingSystem,
		*sequence.AutoApplyDrivers, *sequence.ApplyDriverPackage, *sequence.PreprovisionBitLocker, *sequence.ConvertDiskToDynamic:
		return true
	}
	return false
}

// inInstalledSystem says whether a step works on a system that runs.
func inInstalledSystem(s sequence.Step) bool {
	switch s.(type) {
	case *sequence.InstallPackage, *sequence.InstallSoftwareUpdates, *sequence.JoinDomainOrWorkgroup, *sequence.PrepareClientForCapture,
		*sequence.PrepareWindowsForCapture, *sequence.InstallDeploymentTools:
		return true
	}
	return false
}

// order: set-up and settings want an operating system that was applied before; a restart into it
// wants the set-up.
func order(l *linter) {
	partitioned, applied, setUp := false, false, false
	for _, n := range l.nodes {
		switch s := n.step().(type) {
		case *sequence.RunTaskSequence: // it may do all of it
			return
		case *sequence.PartitionDisk:
			partitioned = true
		case *sequence.ApplyOperatingSystem:
			applied, setUp = true, false
		case *sequence.SetupOperatingSystem:
			if !applied {
				l.add("order", Error, n, "", "no step before it applies an operating system", "put applyOperatingSystem before it")
			}
			setUp = true
		case *sequence.ApplyNetworkSettings, *sequence.ApplyWindowsSettings:
			if !applied {
				l.add("order", Error, n, "", "no step before it applies an operating system that takes the settings", "put applyOperatingSystem before it")
			}
		case *sequence.RestartComputer:
			if (partitioned || applied) && !setUp && s.To == sequence.ToInstalledOS {
				l.add("order", Error, n, "", "the disk was erased, and holds no system with boot loader and agent yet: the sequence does not go on behind the restart", "put setupOperatingSystem before it")
			}
		}
	}
}

// stages follows where the steps run, as far as that is sure.
func stages(l *linter) {
	const unknown, boot, installed = 0, 1, 2
	at := unknown
	for _, n := range l.nodes {
		s := n.step()
		if s == nil {
			continue
		}
		switch {
		case at == installed && inBootImage(s):
			l.add("stage", Error, n, "", "here the installed system runs, and the step belongs into the boot image", "move it before the restart, or restart to bootImage before it")
		case at == boot && inInstalledSystem(s):
			l.add("stage", Error, n, "", "here the boot image runs, and the step works on the system that runs", "move it behind setupOperatingSystem, which restarts into the installed system")
		}
		next := at
		switch s := s.(type) {
		case *sequence.RunTaskSequence:
			next = unknown
		case *sequence.PartitionDisk:
			next = boot // the disk of a running system cannot be erased
		case *sequence.SetupOperatingSystem:
			next = installed
		case *sequence.RestartComputer:
			next = map[string]int{sequence.ToBootImage: boot, sequence.ToInstalledOS: installed}[s.To]
		}
		if next != at && n.conditional() && at != unknown {
			next = unknown
		}
		at = next
	}
}

// eraseAndContinue: going on behind a disk that was half made leads nowhere.
func eraseAndContinue(l *linter) {
	for _, n := range l.nodes {
		switch s := n.step().(type) {
		case *sequence.PartitionDisk, *sequence.ApplyOperatingSystem:
			if s.Common().ContinueOnError {
				l.add("continue-on-error", Warning, n, "continueOnError", "when the step fails, the disk is erased or half written, and the sequence goes on", "leave continueOnError out")
			}
		}
	}
}

// stateStore: user state goes to a place that was asked for and is given back.
func stateStore(l *linter) {
	var open *node
	for _, n := range l.nodes {
		switch s := n.step().(type) {
		case *sequence.RunTaskSequence:
			return
		case *sequence.RequestStateStore:
			open = n
		case *sequence.ReleaseStateStore:
			open = nil
		case *sequence.CaptureUserState, *sequence.RestoreUserState:
			if open == nil {
				l.add("state-store", Error, n, "", "no state store was requested before it", fmt.Sprintf("put %s before it", sequence.TypeRequestStateStore))
				continue
			}
			want := map[bool]string{true: "capture", false: "restore"}[s.Type() == sequence.TypeCaptureUserState]
			if r := open.Node.Step.(*sequence.RequestStateStore); r.For != want {
				l.add("state-store", Error, n, "", fmt.Sprintf("the state store was requested to %s (step %d)", r.For, open.Number), "request it to "+want)
			}
		}
	}
	if open != nil {
		l.add("state-store", Warning, open, "", "the state store is not released behind it: the point keeps the place", "put releaseStateStore behind the steps that use it")
	}
}
