package sequence

// AutoApplyDrivers installs the drivers that fit the machine (Auto Apply Drivers).
type AutoApplyDrivers struct {
	Options
	AllCompatible bool     `json:"allCompatible,omitempty"` // not the best match alone
	Categories    []string `json:"categories,omitempty"`    // all when left out
	AllowUnsigned bool     `json:"allowUnsigned,omitempty"`
}

// ApplyDriverPackage installs the drivers of a package (Apply Driver Package).
type ApplyDriverPackage struct {
	Options
	Package string `json:"package"`
	// MassStorage names the driver that the system needs to start (Windows before Vista).
	MassStorage   *MassStorage `json:"massStorage,omitempty"`
	AllowUnsigned bool         `json:"allowUnsigned,omitempty"`
}

// MassStorage is a boot-critical driver.
type MassStorage struct {
	Driver string `json:"driver"`
	Model  string `json:"model"`
}

// Type implements Step.
func (*AutoApplyDrivers) Type() Type   { return TypeAutoApplyDrivers }
func (*ApplyDriverPackage) Type() Type { return TypeApplyDriverPackage }

func (*AutoApplyDrivers) check(*checker) {}

func (a *ApplyDriverPackage) check(c *checker) {
	c.given("package", a.Package, "name the package")
	if a.MassStorage != nil {
		c.given("massStorage.driver", a.MassStorage.Driver, "name the driver")
		c.given("massStorage.model", a.MassStorage.Model, "name the model in it")
	}
}
