package sequence

import (
	"fmt"
	"regexp"
)

// InstallPackage runs programs of packages in the installed system (Install Package): one, or
// those that variables list.
type InstallPackage struct {
	Options
	Package string `json:"package,omitempty"` // name of a Package; or List
	Program string `json:"program,omitempty"` // name of one of its programs
	// List is the base of variables: with AA, AA001 holds the first entry as Package:Program,
	// AA002 the next, until one is missing.
	List string `json:"list,omitempty"`
	// ContinueOnFailure goes on with the list when a program failed; the step still fails
	// in the end.
	ContinueOnFailure bool `json:"continueOnFailure,omitempty"`
}

// InstallSoftwareUpdates brings the installed system up to date (Install Software Updates): on
// Debian by apt.
type InstallSoftwareUpdates struct {
	Options
	// Updates is mandatory (of the distribution's security archive alone) or all.
	Updates string `json:"updates"`
}

// DownloadPackageContent puts the content of packages into a folder (Download Package Content).
type DownloadPackageContent struct {
	Options
	Packages []string `json:"packages"`
	// To is the folder that gets one folder for each; left out, one that is gone at the end of
	// the sequence.
	To string `json:"to,omitempty"`
	// Variable is the base of variables that receive the folders: with DL, DL01 is that of the
	// first package.
	Variable string `json:"variable,omitempty"`
}

// FolderVariable is the variable that receives the folder of package i, from 0.
func (d *DownloadPackageContent) FolderVariable(i int) string {
	return fmt.Sprintf("%s%02d", d.Variable, i+1)
}

// Type implements Step.
func (*InstallPackage) Type() Type         { return TypeInstallPackage }
func (*InstallSoftwareUpdates) Type() Type { return TypeInstallSoftwareUpdates }
func (*DownloadPackageContent) Type() Type { return TypeDownloadPackageContent }

// listBase is the base of numbered variables.
var listBase = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)

func (i *InstallPackage) check(c *checker) {
	if i.SuccessCodes != nil {
		c.fail("successCodes", fmt.Sprint(i.SuccessCodes), "each program has its own: give them in the package")
	}
	if i.List != "" && len(i.Secrets) > 0 {
		c.fail("secrets", "", "a list goes on behind restarts, where no secret is released again: install the package that needs one in a step of its own")
	}
	c.environment(&i.Options)
	switch {
	case i.List == "":
		c.given("package", i.Package, "name the package, or the list of variables")
		c.given("program", i.Program, "name the program of the package")
	case i.Package != "" || i.Program != "":
		c.fail("list", i.List, "give package and program, or list, not both")
	case !listBase.MatchString(i.List) || CheckName(ListVariable(i.List, 1)) != nil:
		c.fail("list", i.List, "give the base of the variables: letters and digits, such as AA for AA001")
	}
}

func (i *InstallSoftwareUpdates) check(c *checker) { c.oneOf("updates", i.Updates, "mandatory", "all") }

func (d *DownloadPackageContent) check(c *checker) {
	if len(d.Packages) == 0 || len(d.Packages) > 99 {
		c.fail("packages", fmt.Sprint(len(d.Packages)), "name 1 to 99 packages")
	}
	for i, name := range d.Packages {
		c.given(fmt.Sprintf("packages[%d]", i), name, "name the package")
	}
	if d.Variable != "" && !listBase.MatchString(d.Variable) {
		c.fail("variable", d.Variable, "give the base of the variables: letters and digits, such as DL for DL01")
	}
}
