package tsxml

import (
	"strings"
	"time"

	"github.com/bootward/bootward/osd/sequence"
)

func readInstallPackage(in *input) *sequence.InstallPackage {
	return &sequence.InstallPackage{Package: strings.TrimSpace(in.get("PackageID")), Program: in.get("ProgramName", "_SMSSWDProgramName"),
		List: strings.TrimSpace(in.get("BaseVariableName")), ContinueOnFailure: in.bool("ContinueOnInstallError")}
}

func writeInstallPackage(out *output, s *sequence.InstallPackage) {
	out.set("PackageID", "", s.Package)
	out.set("ProgramName", "_SMSSWDProgramName", s.Program)
	out.set("BaseVariableName", "", s.List)
	out.bool("ContinueOnInstallError", "", s.ContinueOnFailure)
	out.run("smsswd.exe /pkg:%s /install /basevar:%s /continueOnError:%t", s.Package, s.List, s.ContinueOnFailure)
}

func readUpdates(in *input) *sequence.InstallSoftwareUpdates {
	return &sequence.InstallSoftwareUpdates{Updates: strings.ToLower(strings.TrimSpace(in.get("Target", "SMSInstallUpdateTarget")))}
}

func writeUpdates(out *output, s *sequence.InstallSoftwareUpdates) {
	out.set("Target", "SMSInstallUpdateTarget", map[string]string{"mandatory": "Mandatory", "all": "All"}[s.Updates])
	out.run("TSInstallSWUpdate.exe /target:%%SMSInstallUpdateTarget%%")
}

func readDownload(in *input) *sequence.DownloadPackageContent {
	s := &sequence.DownloadPackageContent{Variable: strings.TrimSpace(in.get("DestinationVariable", "OSDDownloadDestinationVariable"))}
	for _, id := range strings.FieldsFunc(in.get("DownloadPackages", "OSDDownloadDownloadPackages"), func(r rune) bool { return r == ',' || r == ';' }) {
		if id = strings.TrimSpace(id); id != "" {
			s.Packages = append(s.Packages, id)
		}
	}
	switch place := strings.TrimSpace(in.get("DestinationLocationType", "OSDDownloadDestinationLocationType")); strings.ToLower(place) {
	case "custom":
		s.To = in.get("DestinationCustomPath", "OSDDownloadDestinationPath")
	case "ccmcache":
		in.warn("the client's cache is kept for export: here the content is gone at the end of the sequence")
	}
	return s
}

func writeDownload(out *output, s *sequence.DownloadPackageContent) {
	place := "TSCache"
	if s.To != "" {
		place = "Custom"
	}
	out.set("DownloadPackages", "OSDDownloadDownloadPackages", strings.Join(s.Packages, ","))
	out.set("DestinationLocationType", "OSDDownloadDestinationLocationType", place)
	out.set("DestinationCustomPath", "OSDDownloadDestinationPath", s.To)
	out.set("DestinationVariable", "OSDDownloadDestinationVariable", s.Variable)
	out.run("OSDDownloadContent.exe")
}

func readRequestStore(in *input) *sequence.RequestStateStore {
	s := &sequence.RequestStateStore{For: strings.ToLower(strings.TrimSpace(in.get("RequestType", "OSDStateRequestType"))), Tries: in.int("SMPRetryCount", "OSDStateSMPRetryCount")}
	if n := in.int("SMPRetryTime", "OSDStateSMPRetryTime"); n > 0 && n <= maxSeconds {
		s.Delay = sequence.Duration(time.Duration(n) * time.Second)
	}
	return s
}

func writeRequestStore(out *output, s *sequence.RequestStateStore) {
	out.set("RequestType", "OSDStateRequestType", s.For)
	out.int("SMPRetryCount", "OSDStateSMPRetryCount", s.Tries)
	out.int("SMPRetryTime", "OSDStateSMPRetryTime", int(time.Duration(s.Delay)/time.Second))
	out.run("osdsmpclient.exe /%s", s.For)
}

func readCaptureState(in *input) *sequence.CaptureUserState {
	s := &sequence.CaptureUserState{Package: strings.TrimSpace(in.get("UsmtPackageID", "_OSDMigrateUsmtPackageID")),
		SkipEncrypted: in.bool("SkipEncryptedFiles", "OSDMigrateSkipEncryptedFiles"), ContinueOnLocks: in.bool("ContinueOnLockedFiles", "OSDMigrateContinueOnLockedFiles")}
	s.Rules = in.rules()
	return s
}

// rules are files of the package; they count in the mode Advanced.
func (in *input) rules() []string {
	if !strings.EqualFold(in.get("Mode", "OSDMigrateMode"), "Advanced") {
		return nil
	}
	return list(in.get("ConfigFiles", "OSDMigrateConfigFiles"))
}

// list reads the parts between commas.
func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (o *output) rules(files []string) {
	mode := "Simple"
	if len(files) > 0 {
		mode = "Advanced"
	}
	o.set("Mode", "OSDMigrateMode", mode)
	o.set("ConfigFiles", "OSDMigrateConfigFiles", strings.Join(files, ","))
}

func writeCaptureState(out *output, s *sequence.CaptureUserState) {
	out.set("UsmtPackageID", "_OSDMigrateUsmtPackageID", s.Package)
	out.rules(s.Rules)
	out.bool("SkipEncryptedFiles", "OSDMigrateSkipEncryptedFiles", s.SkipEncrypted)
	out.bool("ContinueOnLockedFiles", "OSDMigrateContinueOnLockedFiles", s.ContinueOnLocks)
	out.run("osdmigrateuserstate.exe /collect /continueOnError:%%OSDMigrateContinueOnLockedFiles%% /skipefs:%%OSDMigrateSkipEncryptedFiles%%")
}

func readRestoreState(in *input) *sequence.RestoreUserState {
	s := &sequence.RestoreUserState{Package: strings.TrimSpace(in.get("UsmtRestorePackageID", "_OSDMigrateUsmtRestorePackageID")),
		LocalAccounts: in.bool("LocalAccounts", "OSDMigrateLocalAccounts"), ContinueOnLocks: in.bool("ContinueOnRestore", "OSDMigrateContinueOnRestore")}
	s.Rules = in.rules()
	return s
}

func writeRestoreState(out *output, s *sequence.RestoreUserState) {
	out.set("UsmtRestorePackageID", "_OSDMigrateUsmtRestorePackageID", s.Package)
	out.rules(s.Rules)
	out.bool("LocalAccounts", "OSDMigrateLocalAccounts", s.LocalAccounts)
	out.bool("ContinueOnRestore", "OSDMigrateContinueOnRestore", s.ContinueOnLocks)
	out.run("osdmigrateuserstate.exe /apply /continueOnError:%%OSDMigrateContinueOnRestore%%")
}
