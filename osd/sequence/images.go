package sequence

import "fmt"

// ApplyOperatingSystem puts an image onto a volume (Apply Operating System
// Image).
type ApplyOperatingSystem struct {
	Options
	Image string `json:"image"` // name of an Image
	// Index is the image inside the WIM, from 1; 1 when left out.
	Index int `json:"index,omitempty"`
	// To is the volume: the value of a variable that partitionDisk set.
	To string `json:"to"`
	// ConfigFile is an answer file for Setup.
	ConfigFile *PackageFile `json:"configFile,omitempty"`
}

// PackageFile is a file of a package.
type PackageFile struct {
	Package string `json:"package"` // name of a Package
	File    string `json:"file"`    // path in it
}

// ApplyDataImage puts an image that holds no operating system onto a volume (Apply Data
// Image).
type ApplyDataImage struct {
	Options
	Image string `json:"image"`           // name of an Image
	Index int    `json:"index,omitempty"` // 1 when left out
	// To is the volume: the value of a variable that partitionDisk set.
	To string `json:"to"`
	// Folder of the volume takes the image; its root when left out.
	Folder string `json:"folder,omitempty"`
}

// SetupOperatingSystem makes the applied system start from its disk: boot
// loader, agent, restart into it, clean-up (Setup Windows and ConfigMgr).
type SetupOperatingSystem struct {
	Options
}

// InstallDeploymentTools puts sysprep onto a reference machine (Install Deployment Tools).
type InstallDeploymentTools struct {
	Options
	Package string `json:"package"`
}

// PrepareClientForCapture takes the identity out of the client (Prepare ConfigMgr Client for
// Capture).
type PrepareClientForCapture struct {
	Options
}

// PrepareWindowsForCapture seals Windows (Prepare Windows for Capture).
type PrepareWindowsForCapture struct {
	Options
	// KeepActivation does not reset the activation of Windows.
	KeepActivation bool `json:"keepActivation,omitempty"`
	// BuildMassStorageList has sysprep list the drivers of mass storage.
	BuildMassStorageList bool `json:"buildMassStorageList,omitempty"`
}

// CaptureOperatingSystem makes an image of the reference machine (Capture Operating System
// Image).
type CaptureOperatingSystem struct {
	Options
	To      string `json:"to"` // such as //server/images/ward.wim
	Account string `json:"account,omitempty"`
	// Password names the variable that holds it, such as %CapturePassword%.
	Password    string `json:"password,omitempty"`
	CreatedBy   string `json:"createdBy,omitempty"`
	Version     string `json:"version,omitempty"`
	ImageText   string `json:"imageText,omitempty"` // description of the image
	ExcludeList string `json:"excludeList,omitempty"`
}

// Type implements Step.
func (*ApplyOperatingSystem) Type() Type     { return TypeApplyOperatingSystem }
func (*ApplyDataImage) Type() Type           { return TypeApplyDataImage }
func (*SetupOperatingSystem) Type() Type     { return TypeSetupOperatingSystem }
func (*InstallDeploymentTools) Type() Type   { return TypeInstallDeploymentTools }
func (*PrepareClientForCapture) Type() Type  { return TypePrepareClientForCapture }
func (*PrepareWindowsForCapture) Type() Type { return TypePrepareWindowsForCapture }
func (*CaptureOperatingSystem) Type() Type   { return TypeCaptureOperatingSystem }

func (a *ApplyOperatingSystem) check(c *checker) {
	c.image(a.Image, a.Index, a.To)
	if a.ConfigFile != nil {
		c.given("configFile.package", a.ConfigFile.Package, "name the package")
		c.given("configFile.file", a.ConfigFile.File, "name the file in the package")
	}
}

func (a *ApplyDataImage) check(c *checker) { c.image(a.Image, a.Index, a.To) }

func (c *checker) image(name string, index int, to string) {
	c.given("image", name, "name the image")
	if index < 0 {
		c.fail("index", fmt.Sprint(index), "images in a WIM count from 1")
	}
	c.given("to", to, `name the volume by its variable, such as "%OSDisk%"`)
}

func (s *SetupOperatingSystem) check(c *checker) {
	if s.Retry != nil {
		c.fail("retry", "", "the step restarts the machine; leave retry out")
	}
}

func (i *InstallDeploymentTools) check(c *checker) { c.given("package", i.Package, "name the package") }

func (*PrepareClientForCapture) check(*checker)  {}
func (*PrepareWindowsForCapture) check(*checker) {}

func (o *CaptureOperatingSystem) check(c *checker) {
	c.given("to", o.To, "name the file, such as //server/images/ward.wim")
	c.account(o.Account, o.Password)
}
