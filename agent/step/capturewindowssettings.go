package step

import (
	"strings"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// captureWindowsSettings reads settings of the running system into variables.
func (x *Executor) captureWindowsSettings(s *sequence.CaptureWindowsSettings, env *sequence.Environment) engine.Result {
	if err := x.installed("advertise the sequence to running clients, with this step before the restart into the boot image"); err != nil {
		return failed(err)
	}
	c, err := x.Running.Settings()
	if err != nil {
		return failed(err)
	}
	return capture(env, []captured{
		{s.ComputerName, "OSDComputerName", c.HostName},
		{s.Owner, "OSDRegisteredUserName", c.Owner}, {s.Owner, "OSDRegisteredOrgName", c.Organization},
		{s.TimeZone, "OSDTimeZone", c.TimeZone}, {s.Locale, "OSDLocale", c.Locale}})
}

// captured is a value for a variable, if it is wanted.
type captured struct {
	wanted         bool
	variable, text string
}

// capture sets variables. What the system does not have leaves its variable as it is.
func capture(env *sequence.Environment, values []captured) engine.Result {
	var said []string
	for _, v := range values {
		switch {
		case !v.wanted:
		case v.text == "":
			said = append(said, v.variable+": the system has none")
		default:
			if err := env.Set(v.variable, v.text); err != nil {
				return failed(err)
			}
			said = append(said, v.variable+" = "+v.text)
		}
	}
	return engine.Result{Output: strings.Join(said, "\n")}
}
