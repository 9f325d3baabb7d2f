package tsxml

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/bootward/bootward/osd/sequence"
)

// destination is the volume of a step: by its variable, its drive letter, or disk and partition.
func (in *input) destination() string {
	if v := strings.TrimSpace(in.get("DestinationVariable")); v != "" {
		return "%" + strings.Trim(v, "%") + "%"
	}
	if v := strings.TrimSpace(in.get("DestinationLogicalDrive")); v != "" {
		return v
	}
	if v := strings.TrimSpace(in.get("DestinationPartition")); v != "" {
		return fmt.Sprintf("%s,%s", cmp.Or(strings.TrimSpace(in.get("DestinationDisk")), "0"), v)
	}
	return ""
}

var diskAndPartition = regexp.MustCompile(`^([0-9]+),([0-9]+)$`)

// destination is the contrary; it returns what the command line has.
func (o *output) destination(to string) string {
	var variable, drive, disk, partition string
	switch m := diskAndPartition.FindStringSubmatch(to); {
	case wholeReference.MatchString(to):
		variable = strings.Trim(to, "%")
	case m != nil:
		disk, partition = m[1], m[2]
	default:
		drive = to
	}
	o.set("DestinationVariable", "", variable)
	o.set("DestinationLogicalDrive", "", drive)
	o.set("DestinationDisk", "", disk)
	o.set("DestinationPartition", "", partition)
	return to
}

// defaultVolume takes an image that says of its volume: the next that is free.
const defaultVolume = "%OSDisk%"

// target reads where an image goes.
func (in *input) target() string {
	to := in.destination()
	switch {
	case to == "":
		in.warn("it takes the next volume that is free: here it takes %s, so give that variable to the volume", defaultVolume)
		return defaultVolume
	case !wholeReference.MatchString(to):
		in.warn("it names its volume as %s: give the volume's variable here, such as %s", to, defaultVolume)
	}
	return to
}

func readApplyOS(in *input) *sequence.ApplyOperatingSystem {
	s := &sequence.ApplyOperatingSystem{Image: strings.TrimSpace(in.get("ImagePackageID")), Index: in.int("ImageIndex", "OSDImageIndex"), To: in.target()}
	if s.Image == "" && in.get("InstallPackageID") != "" {
		in.warn("it installs from the files of a DVD, package %s: capture an image of it and name that", in.get("InstallPackageID"))
	}
	pack, file := strings.TrimSpace(in.get("ConfigFilePackage")), strings.TrimSpace(in.get("ConfigFileName", "OSDConfigFileName"))
	switch {
	case pack != "" && file != "":
		s.ConfigFile = &sequence.PackageFile{Package: pack, File: file}
	case file != "":
		in.warn("the answer file %q has no package: it is kept for export and not used", file)
	}
	return s
}

func writeApplyOS(out *output, s *sequence.ApplyOperatingSystem) {
	file := sequence.PackageFile{}
	if s.ConfigFile != nil {
		file = *s.ConfigFile
	}
	out.set("ImagePackageID", "", s.Image)
	out.int("ImageIndex", "OSDImageIndex", s.Index)
	out.set("ConfigFilePackage", "", file.Package)
	out.set("ConfigFileName", "OSDConfigFileName", file.File)
	out.run(`OSDApplyOS.exe /image:%s,%%OSDImageIndex%% "/config:%s,%%OSDConfigFileName%%" /target:%s`, s.Image, file.Package, out.destination(s.To))
}

func readApplyData(in *input) *sequence.ApplyDataImage {
	s := &sequence.ApplyDataImage{Image: strings.TrimSpace(in.get("ImagePackageID")), Index: in.int("ImageIndex", "OSDDataImageIndex"), To: in.target()}
	if in.bool("WipeDestinationPartition", "OSDWipeDestinationPartition") {
		in.warn("that the volume is wiped first is kept for export: here partitionDisk formats it")
	}
	return s
}

func writeApplyData(out *output, s *sequence.ApplyDataImage) {
	out.cannot("folder", s.Folder != "")
	out.set("ImagePackageID", "", s.Image)
	out.int("ImageIndex", "OSDDataImageIndex", s.Index)
	out.run("OSDApplyOS.exe /data:%s,%%OSDDataImageIndex%% /target:%s", s.Image, out.destination(s.To))
}

func readDeployTools(in *input) *sequence.InstallDeploymentTools {
	return &sequence.InstallDeploymentTools{Package: strings.TrimSpace(in.get("SysprepPackageID"))}
}

func writeDeployTools(out *output, s *sequence.InstallDeploymentTools) {
	out.set("SysprepPackageID", "", s.Package)
	out.run("osdprepareos.exe /install:%s", s.Package)
}

func readPrepareOS(in *input) *sequence.PrepareWindowsForCapture {
	return &sequence.PrepareWindowsForCapture{KeepActivation: in.bool("KeepActivation", "OSDKeepActivation"), BuildMassStorageList: in.bool("BuildStorageDriverList", "OSDBuildStorageDriverList")}
}

func writePrepareOS(out *output, s *sequence.PrepareWindowsForCapture) {
	out.bool("KeepActivation", "OSDKeepActivation", s.KeepActivation)
	out.bool("BuildStorageDriverList", "OSDBuildStorageDriverList", s.BuildMassStorageList)
	out.run("osdprepareos.exe")
}

func readCaptureImage(in *input) *sequence.CaptureOperatingSystem {
	s := &sequence.CaptureOperatingSystem{To: strings.TrimSpace(in.get("CaptureDestination", "OSDCaptureDestination")), CreatedBy: in.get("ImageCreator", "OSDImageCreator"),
		Version: in.get("ImageVersion", "OSDImageVersion"), ImageText: in.get("ImageDescription", "OSDImageDescription")}
	s.Account, s.Password = in.account("CaptureUsername", "OSDCaptureAccount", "CapturePassword", "OSDCaptureAccountPassword")
	return s
}

func writeCaptureImage(out *output, s *sequence.CaptureOperatingSystem) {
	out.cannot("excludeList", s.ExcludeList != "")
	out.set("CaptureDestination", "OSDCaptureDestination", s.To)
	out.set("CaptureUsername", "OSDCaptureAccount", s.Account)
	out.set("CapturePassword", "OSDCaptureAccountPassword", s.Password)
	out.set("ImageCreator", "OSDImageCreator", s.CreatedBy)
	out.set("ImageVersion", "OSDImageVersion", s.Version)
	out.set("ImageDescription", "OSDImageDescription", s.ImageText)
	out.run("osdcapturesystemimage.exe")
}

func readAutoApply(in *input) *sequence.AutoApplyDrivers {
	best, el := in.find("BestMatch", "OSDAutoApplyDriverBestMatch")
	return &sequence.AutoApplyDrivers{AllCompatible: el != nil && !isTrue(best), Categories: list(in.get("CategoryList", "OSDAutoApplyDriverCategoryList")),
		AllowUnsigned: in.bool("UnsignedDriver", "OSDAllowUnsignedDriver")}
}

func writeAutoApply(out *output, s *sequence.AutoApplyDrivers) {
	out.bool("BestMatch", "OSDAutoApplyDriverBestMatch", !s.AllCompatible)
	out.set("CategoryList", "OSDAutoApplyDriverCategoryList", strings.Join(s.Categories, ","))
	out.bool("UnsignedDriver", "OSDAllowUnsignedDriver", s.AllowUnsigned)
	out.run("osddriverclient.exe /auto /bestmatch:%%OSDAutoApplyDriverBestMatch%% /unsigned:%%OSDAllowUnsignedDriver%%")
}

func readDriverPackage(in *input) *sequence.ApplyDriverPackage {
	s := &sequence.ApplyDriverPackage{Package: strings.TrimSpace(in.get("DriverPackageID")), AllowUnsigned: in.bool("UnsignedDriver", "OSDAllowUnsignedDriver")}
	driver, model := in.get("BootCriticalINFFile", "OSDApplyDriverBootCriticalINFFile"), in.get("BootCriticalID", "OSDApplyDriverBootCriticalID")
	if driver != "" {
		s.MassStorage = &sequence.MassStorage{Driver: driver, Model: model}
	}
	return s
}

func writeDriverPackage(out *output, s *sequence.ApplyDriverPackage) {
	storage := sequence.MassStorage{}
	if s.MassStorage != nil {
		storage = *s.MassStorage
	}
	out.set("DriverPackageID", "", s.Package)
	out.set("BootCriticalINFFile", "OSDApplyDriverBootCriticalINFFile", storage.Driver)
	out.set("BootCriticalID", "OSDApplyDriverBootCriticalID", storage.Model)
	out.bool("UnsignedDriver", "OSDAllowUnsignedDriver", s.AllowUnsigned)
	out.run("osddriverclient.exe /install:%s /unsigned:%%OSDAllowUnsignedDriver%%", s.Package)
}
